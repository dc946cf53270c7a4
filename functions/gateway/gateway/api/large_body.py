"""Reads large bodies value by value, in slices between which other calls of the process go on.

The parsers in C hold the interpreter's lock for the whole text, in any thread. What is refused is refused early: too
many messages as soon as one too many is read, too many values before the first.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from functools import cache

from gateway.domain.errors import BodyMalformed
from gateway.domain.json_text import NestedTooDeeply, read_json
from switchboard.domain.limits import MAX_VALUES

SLICE_S = 0.001
_RUN_CHARACTERS = 32 * 1024
_SLICE_BYTES = 256 * 1024
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_WHOLE = re.compile(rb'(?:[^"]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_REST_OF_TEXT = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)

_STRING = r'"(?:[^"\\]++|\\.)*+"'
_LEVELS_AT_ONCE = 4


@cache
def _runs() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The patterns of many values, and of many fields, each with its comma; whether they are JSON is told elsewhere.

    Compiling them takes 4 ms: a start without large bodies does without.
    """
    inner = _nested(_LEVELS_AT_ONCE)
    value = rf'(?:[^][{{}}",:]++|{_STRING}|\{{(?:{inner})*+\}}|\[(?:{inner})*+\])'
    values = re.compile(rf"(?:\s*+{value}\s*+,)*+", re.DOTALL)
    return values, re.compile(rf"(?:\s*+{_STRING}\s*+:\s*+{value}\s*+,)*+", re.DOTALL)


def _nested(levels: int) -> str:
    """The pattern of what may be inside of brackets that are nested so deeply."""
    inner = rf'[^][{{}}"]++|{_STRING}'
    for _ in range(levels - 1):
        inner = rf'[^][{{}}"]++|{_STRING}|\{{(?:{inner})*+\}}|\[(?:{inner})*+\]'
    return inner


async def read_fields(body: bytes, max_messages: int) -> dict[str, object]:
    """The fields of a body. Raises BodyMalformed, and ValueError for a body that is not JSON."""
    slices = _Slices()
    await _refuse_many_values(body, max_messages, slices)
    reader = _Reader(body.decode("utf-8-sig"))
    if not reader.takes("{"):
        raise BodyMalformed("The body must be a JSON object.")
    fields: dict[str, object] = {}
    for _ in reader.items("}"):
        while some := reader.some_fields():
            fields |= some
            await slices.pause()
        name = reader.name()
        most = max_messages if name == "messages" else None
        fields[name] = await _list(reader, slices, most) if reader.takes("[") else reader.value()
        await slices.pause()
    reader.end()
    return fields


async def _list(reader: "_Reader", slices: "_Slices", most: int | None) -> list[object]:
    found: list[object] = []
    for _ in reader.items("]"):
        while some := reader.some_values():
            found += some
            _check(found, most)
            await slices.pause()
        found.append(reader.value())
        _check(found, most)
        await slices.pause()
    return found


def _check(found: list[object], most: int | None) -> None:
    if most is not None and len(found) > most:
        raise too_many_messages(most)


def too_many_messages(most: int) -> BodyMalformed:
    """The refusal of a body with more messages."""
    return BodyMalformed(f"`messages` has more than {most:,} entries. Send fewer.", param="messages")


async def _refuse_many_values(body: bytes, max_messages: int, slices: "_Slices") -> None:
    most, count = max(MAX_VALUES, 5 * max_messages), 0
    if body.count(b",") < most:  # quick, and commas inside of texts only make it too many
        return
    for commas in _commas_outside_texts(body):
        count += commas
        if count >= most:
            raise BodyMalformed(
                f"The body has more than {most:,} values. It may have {max_messages:,} messages.", param="messages"
            )
        await slices.pause()


def _commas_outside_texts(body: bytes) -> Iterator[int]:
    """How many commas are outside of texts, slice by slice."""
    begin, is_inside = 0, False
    while begin < len(body):
        end = min(begin + _SLICE_BYTES, len(body))
        if is_inside:
            begin, is_inside = _after_text(body, begin, end)
            yield 0
            continue
        found = _WHOLE.match(body, begin, end)
        stop = found.end() if found else end
        yield _TEXT.sub(b"", body[begin:stop]).count(b",")
        is_inside = stop < end  # a text begins here that goes on after the slice
        begin = stop + is_inside


def _after_text(body: bytes, begin: int, end: int) -> tuple[int, bool]:
    """Where to go on within or after a text, and whether that is still inside of it."""
    found = _REST_OF_TEXT.match(body, begin, end)
    at = found.end() if found else begin
    if body.startswith(b'"', at):
        return at + 1, False
    return max(at, begin + 1), True


class _Slices:
    """Gives way to other calls whenever a slice is over."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    async def pause(self) -> None:
        if time.perf_counter() - self._began >= SLICE_S:
            await asyncio.sleep(0)
            self._began = time.perf_counter()


class _Reader:
    """Reads JSON text value by value. Raises ValueError where it is not JSON."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def takes(self, mark: str) -> bool:
        """Whether the mark is next; it is then passed."""
        self._at = self._after_space()
        is_next = self._text.startswith(mark, self._at)
        self._at += is_next
        return is_next

    def items(self, closing: str) -> Iterator[None]:
        """Stops at each item of an object or a list, and passes its end."""
        if self.takes(closing):
            return
        while True:
            yield
            if self.takes(closing):
                return
            self._expect(",")

    def some_values(self) -> list[object]:
        """The next values of a list that are short and not its last, together."""
        some = read_json(f"[{self._run(_runs()[0])}]")
        return some if isinstance(some, list) else []

    def some_fields(self) -> dict[str, object]:
        """The next fields of an object that are short and not its last, together."""
        some = read_json(f"{{{self._run(_runs()[1])}}}")
        return some if isinstance(some, dict) else {}

    def _run(self, items: re.Pattern[str]) -> str:
        """The text of the next items, without the last comma."""
        begin = self._at
        found = items.match(self._text, begin, begin + _RUN_CHARACTERS)
        self._at = found.end() if found else begin
        return self._text[begin : max(begin, self._at - 1)]

    def name(self) -> str:
        """The name of a field, and the colon."""
        name = self.value()
        if not isinstance(name, str):
            raise json.JSONDecodeError("Expecting a name in quotes", self._text, self._at)
        self._expect(":")
        return name

    def value(self) -> object:
        """The next value, whole."""
        begin = self._after_space()
        try:
            value, self._at = _DECODER.raw_decode(self._text, begin)
        except RecursionError:
            raise NestedTooDeeply from None
        is_plain = value.isascii() if isinstance(value, str) else not isinstance(value, dict | list)
        return value if is_plain else read_json(self._text[begin : self._at])

    def end(self) -> None:
        """Nothing may follow."""
        if self._after_space() != len(self._text):
            raise json.JSONDecodeError("Extra data", self._text, self._at)

    def _expect(self, mark: str) -> None:
        if not self.takes(mark):
            raise json.JSONDecodeError(f"Expecting {mark!r}", self._text, self._at)

    def _after_space(self) -> int:
        found = _SPACE.match(self._text, self._at)
        return found.end() if found else self._at
