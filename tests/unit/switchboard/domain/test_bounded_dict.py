from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.bounded_dict import BoundedDict

writes = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 5)), max_size=40)


def test_the_least_recently_written_entry_is_dropped_first() -> None:
    bounded = BoundedDict[str, int](2)
    bounded["a"] = 1
    bounded["b"] = 2
    bounded["a"] = 3
    bounded["c"] = 4
    assert dict(bounded) == {"a": 3, "c": 4}


def test_reading_an_entry_does_not_keep_it() -> None:
    bounded = BoundedDict[str, int](2)
    bounded["a"] = 1
    bounded["b"] = 2
    assert bounded["a"] == 1
    bounded["c"] = 3
    assert list(bounded) == ["b", "c"]


def test_an_entry_can_be_deleted() -> None:
    bounded = BoundedDict[str, int](2)
    bounded["a"] = 1
    del bounded["a"]
    assert len(bounded) == 0
    with pytest.raises(KeyError):
        del bounded["a"]


def test_an_entry_larger_than_the_maximum_is_not_kept() -> None:
    bounded = BoundedDict[str, str](5, lambda key, value: len(key) + len(value))
    bounded["a"] = "1234"
    bounded["b"] = "12345"
    assert dict(bounded) == {}


def _by_value(_key: str, value: int) -> int:
    return value


@pytest.mark.parametrize("size_of", [lambda _key, _value: 1, _by_value])
@given(writes=writes, max_size=st.integers(0, 8))
def test_the_newest_entries_that_fit_are_kept(
    size_of: Callable[[str, int], int], writes: list[tuple[str, int]], max_size: int
) -> None:
    bounded = BoundedDict[str, int](max_size, size_of)
    expected: list[tuple[str, int]] = []
    for key, value in writes:
        bounded[key] = value
        expected = [(name, kept) for name, kept in expected if name != key] + [(key, value)]
        while sum(size_of(*entry) for entry in expected) > max_size:
            expected.pop(0)
        assert list(bounded.items()) == expected
