"""What a client reads of an answer: the same for every way an answer may come, so that two can be compared."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

type Json = dict[str, Any]

_ONCE = frozenset({"role", "channel", "type", "object", "id", "name"})
"""Fields of deltas that are told once, or again and again; all other text goes on."""
_PADDING = ("obfuscation", "p")
"""Noise of random length that OpenAI and Perplexity put into chunks."""


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call, put together."""

    id: object = None
    type: object = None
    name: object = None
    arguments: object = ""
    others: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """One choice, put together.

    `text`: None in a whole answer without content. `parts`: content that came as a list. `role`: None where nobody told
    it.
    `message` and `others` are what else stands in the message and beside it; `aside` what stands beside no message.
    """

    text: str | None = ""
    parts: tuple[Any, ...] = ()
    reasoning_content: str = ""
    refusal: str = ""
    calls: tuple[Call, ...] = ()
    finish_reason: object = None
    role: object = None
    message: Json = field(default_factory=dict)
    others: Json = field(default_factory=dict)
    aside: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer. `error` is the text of its error, `around` what stands beside choices and usage, `aside` what stands
    in chunks that have neither, `by_helper` what an SDK's own helper makes of the chunks where that is something else.
    """

    status: int = 200
    error: object = None
    choices: Mapping[int, Said] = field(default_factory=dict)
    usage: Json | None = None
    around: Json = field(default_factory=dict)
    aside: Json = field(default_factory=dict)
    by_helper: str | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """Stands in an expectation for a value that the gateway makes up: any that is not empty, of that kind."""

    kind: type

    def fits(self, value: object) -> bool:
        """Whether the value is one."""
        return isinstance(value, self.kind) and bool(value)


@dataclass(frozen=True, slots=True)
class Perhaps:
    """Stands in an expectation for a value that may be told, or not."""

    value: object

    def fits(self, value: object) -> bool:
        """Whether it is that value, or none."""
        return value in (self.value, None)


@dataclass(frozen=True, slots=True)
class Containing:
    """Stands in an expectation for a text that quotes the provider's own."""

    text: str

    def fits(self, value: object) -> bool:
        """Whether the value quotes it."""
        return isinstance(value, str) and self.text in value


@dataclass(frozen=True, slots=True)
class JsonText:
    """Stands in an expectation for JSON text of this value, however it is spaced."""

    value: object

    def fits(self, text: object) -> bool:
        """Whether the text says the value."""
        return isinstance(text, str) and json.loads(text) == self.value


def differences(expected: object, got: object, place: str = "") -> Iterator[str]:
    """Where two readings differ, and how."""
    if isinstance(expected, Filled | Perhaps | Containing | JsonText):
        if not expected.fits(got):
            yield f"{place}: not {expected}: {got!r}"
    elif isinstance(expected, Reading | Said | Call) and type(expected) is type(got):
        for one in fields(expected):
            yield from differences(getattr(expected, one.name), getattr(got, one.name), f"{place}.{one.name}")
    elif isinstance(expected, Mapping) and isinstance(got, Mapping):
        for name in [*expected, *(name for name in got if name not in expected)]:
            yield from differences(expected.get(name), got.get(name), f"{place}.{name}")
    elif isinstance(expected, tuple) and isinstance(got, tuple) and len(expected) == len(got):
        for number, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from differences(one, other, f"{place}[{number}]")
    elif expected != got:
        yield f"{place}: not {expected!r}: {got!r}"


def read_completion(body: Json, status: int = 200) -> Reading:
    """A whole answer."""
    return _read([body], "message", status)


def read_chunks(chunks: Iterable[Json], error: object = None) -> Reading:
    """A stream's chunks in their order, and the error that ended it, if any."""
    return _read(chunks, "delta", 200, error)


def _read(bodies: Iterable[Json], part: str, status: int, error: object = None) -> Reading:
    choices: dict[int, _Choice] = {}
    around: Json = {}
    aside: Json = {}
    usage = None
    for body in bodies:
        usage = body.get("usage") or usage
        says = body.get("choices") or body.get("usage")
        others = {k: v for k, v in body.items() if k not in ("choices", "usage", *_PADDING)}
        _merge(around if says else aside, others, goes_on=False)
        for place, choice in enumerate(body.get("choices") or ()):
            index = choice.get("index")
            known = choices.setdefault(index if isinstance(index, int) else place, _Choice())
            known.is_whole = part == "message"
            known.add(choice, choice.get(part))
    return Reading(status, error, {index: choice.said() for index, choice in choices.items()}, usage, around, aside)


@dataclass(slots=True)
class _Choice:
    message: Json = field(default_factory=dict)
    others: Json = field(default_factory=dict)
    aside: Json = field(default_factory=dict)
    parts: list[Any] = field(default_factory=list)
    calls: list[Json] = field(default_factory=list)
    latest: dict[object, Json] = field(default_factory=dict)
    finish_reason: object = None
    is_whole: bool = False
    has_content: bool = False

    def add(self, choice: Json, delta: object) -> None:
        self.has_content |= isinstance(delta, dict) and delta.get("content") is not None
        has_message = isinstance(delta, dict) or choice.get("finish_reason")
        delta = dict(delta) if isinstance(delta, dict) else {}
        for part in delta.pop("tool_calls", None) or ():
            self._add_call(part)
        if isinstance(delta.get("content"), list):
            self.parts += delta.pop("content")
        _merge(self.message, delta, goes_on=True)
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        rest = {k: v for k, v in choice.items() if k not in ("index", "finish_reason", "message", "delta")}
        _merge(self.others if has_message else self.aside, rest, goes_on=False)

    def _add_call(self, part: Json) -> None:
        part = dict(part)
        index = part.pop("index", None)
        call = self.latest.get(index)
        function = part.pop("function", None) or {}
        told_id, name = part.pop("id", None), function.get("name")
        is_another = call is None or (name and told_id and call["id"] and told_id != call["id"])
        if call is None or is_another or (index is None and name):
            call = self.latest[index] = {"id": None, "name": None, "arguments": "", "type": None, "others": {}}
            self.calls.append(call)
        call["id"], call["name"] = call["id"] or told_id, call["name"] or name
        call["type"] = call["type"] or part.pop("type", None)
        arguments = function.get("arguments")
        call["arguments"] = call["arguments"] + arguments if isinstance(arguments, str) else arguments or ""
        _merge(call["others"], {name: value for name, value in part.items() if name != "type"}, goes_on=False)

    def said(self) -> Said:
        message = dict(self.message)
        return Said(
            text=message.pop("content", None) or ("" if self.has_content or not self.is_whole else None),
            parts=tuple(self.parts),
            reasoning_content=message.pop("reasoning_content", None) or "",
            refusal=message.pop("refusal", None) or "",
            calls=tuple(Call(**call) for call in self.calls),
            finish_reason=self.finish_reason,
            role=message.pop("role", None),
            message=message,
            others=self.others,
            aside=self.aside,
        )


def _merge(into: Json, more: Json, *, goes_on: bool) -> None:
    """Add to a mapping what one more chunk tells: text goes on where `goes_on`, else the first that is told stays."""
    for name, value in more.items():
        known = into.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value, goes_on=goes_on)
        elif isinstance(known, list) and isinstance(value, list):
            into[name] = [*known, *value]
        elif goes_on and isinstance(known, str) and isinstance(value, str) and name not in _ONCE:
            into[name] = f"{known}{value}"
        elif value is not None and not known:
            into[name] = dict(value) if isinstance(value, dict) else value
