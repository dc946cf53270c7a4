"""A dict with a maximum size, for what a process remembers between calls."""

from collections.abc import Callable, Iterator, MutableMapping
from typing import overload, override


def _one(_key: object, _value: object) -> int:
    return 1


class BoundedDict[K, V](MutableMapping[K, V]):
    """Drops the least recently written entries while their sizes add up to more than `max_size`.

    `size_of` gives an entry's size; without it `max_size` is a number of entries. An entry larger than `max_size`
    drops all, itself included. Not cachetools: its LRUCache and TTLCache count a read as a use, its sizes leave out the
    keys, and the shared layer has no third-party packages.
    """

    def __init__(self, max_size: int, size_of: Callable[[K, V], int] = _one) -> None:
        self._max_size = max_size
        self._size_of = size_of
        self._size = 0
        self._entries: dict[K, V] = {}

    @override
    def __getitem__(self, key: K) -> V:
        return self._entries[key]

    @overload
    def get(self, key: K, /) -> V | None: ...

    @overload
    def get[D](self, key: K, /, default: V | D) -> V | D: ...

    @override
    def get[D](self, key: K, /, default: V | D | None = None) -> V | D | None:
        # MutableMapping's own raises and catches a KeyError for each key that is not there.
        return self._entries.get(key, default)

    @override
    def __setitem__(self, key: K, value: V) -> None:
        if key in self._entries:
            del self[key]
        self._entries[key] = value
        self._size += self._size_of(key, value)
        while self._size > self._max_size:
            del self[next(iter(self._entries))]

    @override
    def __delitem__(self, key: K) -> None:
        self._size -= self._size_of(key, self._entries.pop(key))

    @override
    def __iter__(self) -> Iterator[K]:
        return iter(self._entries)

    @override
    def __len__(self) -> int:
        return len(self._entries)
