"""An operator's own patterns: regular expressions in RE2's syntax, whose time is linear whatever the text."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, cast

from gateway.domain.masks import Span
from gateway.domain.redaction import Kind
from switchboard.domain.limits import MAX_OWN_PATTERN_CHARACTERS, MAX_OWN_PATTERNS

MAX_PATTERN_MEMORY_BYTES = 2 * 1024 * 1024
"""Of one compiled pattern. A match that needs more takes more time instead, which is still linear."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_FORM = 'must be a JSON object of patterns by name, such as {"account": "ACC-[0-9]{8}"}'


class _Match(Protocol):
    def span(self) -> Span: ...


class _Pattern(Protocol):
    def search(self, text: bytes) -> _Match | None: ...

    def finditer(self, text: bytes) -> Iterator[_Match]: ...


def parse_patterns(text: str) -> dict[str, str]:
    """The patterns of the setting `REDACT_PATTERNS`, by name. Raises ValueError, which says what is wrong."""
    try:
        found = json.loads(text)
    except ValueError:
        raise ValueError(_FORM) from None
    if not isinstance(found, dict) or not all(isinstance(pattern, str) for pattern in found.values()):
        raise ValueError(_FORM)
    if len(found) > MAX_OWN_PATTERNS:
        raise ValueError(f"has {len(found)} patterns; {MAX_OWN_PATTERNS} are the most")
    for name, pattern in found.items():
        _check(name, pattern)
    return found


def own_kinds(patterns: Mapping[str, str]) -> tuple[Kind, ...]:
    """The kinds that the patterns describe."""
    return tuple(_kind(name, _compiled(pattern)) for name, pattern in patterns.items())


def _check(name: str, pattern: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"has the name {name[:64]!r}; a name is a small letter, then small letters, digits, - or _")
    if len(pattern) > MAX_OWN_PATTERN_CHARACTERS:
        raise ValueError(f"has a pattern {name!r} of more than {MAX_OWN_PATTERN_CHARACTERS} characters")
    if _compiled(pattern, name).search(b"") is not None:
        raise ValueError(f"has a pattern {name!r} that matches a text of no characters")


def _kind(name: str, pattern: _Pattern) -> Kind:
    def may_hold(content: bytes) -> bool:
        return pattern.search(content) is not None

    def find(content: bytes) -> Iterator[Span]:
        # `\\b` and the like match no characters: such a match marks nothing.
        return (found.span() for found in pattern.finditer(content) if found.span()[0] < found.span()[1])

    return Kind(name, may_hold, find, is_any_text=True)


def _compiled(pattern: str, name: str = "") -> _Pattern:
    # Imported here: it takes 12 ms, and most deployments have no patterns of their own.
    import re2  # noqa: PLC0415

    options = re2.Options()
    options.log_errors = False  # it would write the pattern to stderr
    options.never_capture = True
    options.max_mem = MAX_PATTERN_MEMORY_BYTES
    try:
        return cast("_Pattern", cast("Callable[..., object]", re2.compile)(pattern.encode(), options))
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(
            f"has a pattern {name!r} that is no regular expression of RE2 ({reason}); "
            "look-around and back-references do not exist there, since their time is not linear"
        ) from None
