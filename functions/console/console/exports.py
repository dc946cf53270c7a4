"""Exports calls as lines of JSON, newest first, in parts of bounded size and time, each with the cursor of the next."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from console.export_lines import Format, Skipped, export_line
from switchboard.domain.limits import MAX_EXPORT_BYTES, MAX_EXPORT_LONG_LINES, MAX_EXPORT_MS
from switchboard.domain.trace import Bodies, Trace
from switchboard.domain.trace_search import FoundTraces

PAGE = 50
"""Calls that are listed at once."""
_PLACE = re.compile(r"(?P<last>[0-9a-f-]{36})?\.(?P<page>.*)", re.DOTALL)


class CursorInvalid(ValueError):
    """The cursor is not one of an earlier part."""


type Pages = Callable[[str | None], FoundTraces]
"""The page at a cursor, None for the first, of the calls to be exported. Raises ValueError for an invalid cursor."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where calls are exported from: those of `pages`, and their bodies by trace id."""

    pages: Pages
    find_bodies: Callable[[str], Bodies]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one part may have. `size_of` a line is at least its bytes; `elapsed_ms` since the request began."""

    elapsed_ms: Callable[[], float]
    size_of: Callable[[bytes], int] = len
    max_bytes: int = MAX_EXPORT_BYTES
    max_ms: float = MAX_EXPORT_MS


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an export.

    `skipped`: calls without a line, by reason. `too_long`: calls whose line is longer than a part may be, by trace id.
    `next_cursor`: None at the end. `searched_since`, in the last part: every call that began at or after it was looked
    at, earlier ones may be missing; None if all of the range were.
    """

    lines: tuple[bytes, ...]
    skipped: Mapping[Skipped, int]
    too_long: tuple[str, ...]
    next_cursor: str | None
    searched_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in the list of calls: the cursor of a page, and the last call of it that was exported."""

    page: str | None = None
    last: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> "_Place":
        if cursor is None:
            return cls()
        if (found := _PLACE.fullmatch(cursor)) is None:
            raise CursorInvalid("The cursor is invalid: use the one of the previous part.")
        return cls(found["page"] or None, found["last"] or "")

    def written(self) -> str:
        return f"{self.last}.{self.page or ''}"

    def is_before(self, trace: Trace) -> bool:
        """Whether the call comes after this place: ids descend."""
        return not self.last or trace.trace_id < self.last


@dataclass(slots=True)
class _Progress:
    """What a part has so far, and the place after it."""

    bounds: Bounds
    place: _Place
    lines: list[bytes] = field(default_factory=list)
    skipped: Counter[Skipped] = field(default_factory=Counter)
    too_long: list[str] = field(default_factory=list)
    seen: int = 0
    size: int = 0

    def is_over(self) -> bool:
        """Whether the part ends here. It has at least one call, so that the next part begins further on."""
        if len(self.too_long) >= MAX_EXPORT_LONG_LINES:
            return True
        return self.seen > 0 and self.bounds.elapsed_ms() >= self.bounds.max_ms

    def take(self, trace: Trace, line: bytes | Skipped) -> bool:
        """Take the call into the part; False where its line has no room in it."""
        if isinstance(line, Skipped):
            self.skipped[line] += 1
        elif (size := self.bounds.size_of(line)) > self.bounds.max_bytes:
            self.too_long.append(trace.trace_id)
        elif self.size + size > self.bounds.max_bytes:
            return False
        else:
            self.lines.append(line)
            self.size += size
        self.seen += 1
        self.place = _Place(self.place.page, trace.trace_id)
        return True

    def part(self) -> Part:
        return Part(tuple(self.lines), dict(self.skipped), tuple(self.too_long), self.place.written())

    def last_part(self, page: FoundTraces) -> Part:
        return replace(self.part(), next_cursor=None, searched_since=page.searched_since)


def export(source: Source, line_format: Format, cursor: str | None, bounds: Bounds) -> Part:
    """One part of an export, after the cursor of the part before. Raises CursorInvalid.

    Calls that begin meanwhile are newer than its first one, and are not in a later part.
    """
    progress = _Progress(bounds, _Place.read(cursor))
    while True:
        page = _page(source, progress.place)
        for trace in filter(progress.place.is_before, page.traces):
            if progress.is_over():
                return progress.part()
            bodies = Bodies() if trace.is_zero_retention else source.find_bodies(trace.trace_id)
            if not progress.take(trace, export_line(trace, bodies, line_format)):
                return progress.part()
        if page.next_cursor is None:
            return progress.last_part(page)
        progress.place = _Place(page.next_cursor)
        progress.seen += 1
        if progress.is_over():
            return progress.part()


def _page(source: Source, place: _Place) -> FoundTraces:
    try:
        return source.pages(place.page)
    except ValueError as invalid:
        raise CursorInvalid(str(invalid)) from invalid
