"""What a provider's error says of a request: the repairs with which the same request may be accepted.

Servers of unknown strictness refuse fields that the gateway has added (`stream_options`) or renamed. Their errors name
the field: as `param`, in `loc`, or in the text. A value under the key `input` is what was sent, not what is wrong.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.domain.codec import Draft, Repair
from gateway.domain.json_text import read_json
from gateway.providers.chat_completions.rounds_as_text import RoundsAsText
from gateway.providers.repairs import send_developer_as_system
from gateway.providers.schema_as_text import send_schema_as_text

STATUSES = frozenset({400, 422})
"""The statuses that refuse a request for what is in it."""

_ECHOES = frozenset({"input", "ctx", "body", "request", "failed_generation"})
_MAX_DEPTH = 8
_MAX_CHARACTERS = 65_536
_OF_A_VALUE = re.compile(
    r"too (?:large|small|high|low|long|many)|at (?:most|least)|maximum|minimum|exceed|(?:greater|less) than|between",
    re.IGNORECASE,
)
_OF_A_FIELD = re.compile(
    r"unknown|unrecogni[sz]ed|unsupported|unexpected|extra|additional|not (?:supported|permitted|allowed|accepted)"
    r"|cannot find|no such|invalid (?:field|parameter|argument|property)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PutBack:
    """Leaves out a field that the gateway has added, and sends one that it has renamed or changed as the caller did."""

    name: str

    def __call__(self, body: Draft) -> None:
        """Undo the gateway's own change of the field, if it has made one."""
        if self.name not in body.instead:
            return
        before = body.instead[self.name]
        body.put_back(self.name)
        for old in before:
            note = f"sent {old} as {self.name}"
            body.notes[:] = [other for other in body.notes if other != note]
        if not before:
            body.note(f"left out {self.name}: the provider has refused it")
        for old in before:
            body.note(f"sent {old} as the caller did: the provider has refused {self.name}")


def limit_completion_tokens(body: Draft) -> None:
    """Sends `max_tokens` as `max_completion_tokens`."""
    body.rename("max_tokens", "max_completion_tokens")


HEALERS: tuple[tuple[re.Pattern[str], Repair], ...] = (
    (
        re.compile(
            r"response_?format.{0,80}(?:unavailable|not (?:be )?support|unsupported)"
            r"|json_schema.{0,80}not (?:be )?support|not support.{0,60}(?:json_schema|response[ _]format)",
            re.IGNORECASE,
        ),
        send_schema_as_text,
    ),
    (re.compile(r"max_tokens\b.{0,80}\buse ['\"`]?max_completion_tokens", re.IGNORECASE), limit_completion_tokens),
    (
        re.compile(
            r"unexpected role ['\"`]?developer|developer\b.{0,60}\brole|role.{0,60}\bdeveloper\b", re.IGNORECASE
        ),
        send_developer_as_system,
    ),
    (
        re.compile(r"reasoning_content|thought_?signature", re.IGNORECASE),
        RoundsAsText(("reasoning_content", "reasoning_details")),
    ),
)
"""A pattern of error texts, and the repair that such an error asks for."""


def repairs_for(error: bytes, body: Draft) -> tuple[Repair, ...]:
    """The repairs that the error of a refused request asks for; none where it is about the caller's own fields."""
    names, text = _read(error)
    own = [
        PutBack(name) for name in body.instead if _names_field(name, names, text, is_renamed=bool(body.instead[name]))
    ]
    asked = [repair for pattern, repair in HEALERS if pattern.search(text)]
    return (*own, *asked)


def _names_field(name: str, names: frozenset[str], text: str, *, is_renamed: bool) -> bool:
    if is_renamed and _OF_A_VALUE.search(text):
        return False
    if name in names:
        return True
    words = name.split("_")
    if len(words) == 1:  # a word such as `user` is in many sentences
        return re.search(rf"['\"`]{name}['\"`]", text) is not None and _OF_A_FIELD.search(text) is not None
    if re.search(rf"(?<![A-Za-z0-9_]){'[ _-]?'.join(words)}(?![A-Za-z0-9_])", text, re.IGNORECASE):
        return True
    return name == "stream_options" and "include_usage" in text


def _read(error: bytes) -> tuple[frozenset[str], str]:
    """The names of fields that the error gives apart from its text, and its texts."""
    try:
        parsed = read_json(error)
    except ValueError:
        return frozenset(), error[:_MAX_CHARACTERS].decode("utf-8", "replace")
    names: set[str] = set()
    texts: list[str] = []
    _collect(parsed, names, texts, _MAX_DEPTH)
    return frozenset(names), "\n".join(texts)[:_MAX_CHARACTERS]


def _collect(value: object, names: set[str], texts: list[str], depth: int) -> None:
    if isinstance(value, str):
        texts.append(value)
    elif depth and isinstance(value, list):
        for item in value:
            _collect(item, names, texts, depth - 1)
    elif depth and isinstance(value, dict):
        for key, item in value.items():
            if key in ("param", "loc", "field"):
                names.update(_path(item))
            elif key not in _ECHOES:
                _collect(item, names, texts, depth - 1)


def _path(place: object) -> Iterable[str]:
    """The steps of a place in the request: `body.stream_options` or `["body", "stream_options"]`."""
    steps = place if isinstance(place, list) else re.split(r"[./\[\]]", place) if isinstance(place, str) else ()
    return [step for step in steps if isinstance(step, str)]
