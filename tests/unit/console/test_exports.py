import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.export_lines import Format, Skipped
from console.exports import Bounds, CursorInvalid, Part, Source, export
from switchboard.domain.limits import MAX_EXPORT_LONG_LINES
from switchboard.domain.trace import Bodies, Trace
from switchboard.domain.trace_search import FoundTraces
from testkit.samples import NOON, an_open_trace

ANSWER = b'{"choices":[]}'
LINE_BYTES = len(b'{"request":{"a":""},"response":}\n') + len(ANSWER)


def _trace(second: int) -> Trace:
    """A call that began so many seconds after noon."""
    return replace(an_open_trace(started_at=NOON + timedelta(seconds=second)), streamed=False)


def _traces(number: int) -> list[Trace]:
    """That many, newest first."""
    return [_trace(-second) for second in range(number)]


@dataclass
class Calls:
    """A list of calls in pages, each with a request of that many characters; None: without bodies."""

    traces: list[Trace]
    sizes: list[int | None]
    page: int = 3
    ms: Iterator[float] = field(default_factory=lambda: iter(count(0.0, 0.0)))
    asked: int = 0
    searched_since: datetime | None = None

    def pages(self, cursor: str | None) -> FoundTraces:
        """The page that begins there."""
        if cursor == "nonsense":
            raise ValueError("The cursor is invalid.")
        begin = int(cursor or 0)
        end = begin + self.page
        next_cursor = str(end) if end < len(self.traces) else None
        return FoundTraces(tuple(self.traces[begin:end]), next_cursor, self.searched_since)

    def find_bodies(self, trace_id: str) -> Bodies:
        """The bodies of a call."""
        self.asked += 1
        size = next(s for t, s in zip(self.traces, self.sizes, strict=True) if t.trace_id == trace_id)
        return Bodies() if size is None else Bodies(json.dumps({"a": "x" * size}).encode(), ANSWER)

    def part(self, cursor: str | None = None, *, max_bytes: int = 10**6, max_ms: float = 10**6) -> Part:
        """One part of the export."""
        source = Source(self.pages, self.find_bodies)
        return export(source, Format.CATALYST, cursor, Bounds(lambda: next(self.ms), len, max_bytes, max_ms))

    def parts(self, *, max_bytes: int = 10**6, max_ms: float = 10**6) -> list[Part]:
        """The whole export."""
        found = [self.part(max_bytes=max_bytes, max_ms=max_ms)]
        while found[-1].next_cursor is not None:
            found.append(self.part(found[-1].next_cursor, max_bytes=max_bytes, max_ms=max_ms))
        return found


def _sizes(parts: list[Part]) -> list[int]:
    return [len(json.loads(line)["request"]["a"]) for part in parts for line in part.lines]


@given(st.lists(st.none() | st.integers(0, 60), max_size=12), st.integers(1, 5), st.integers(60, 200))
def test_however_an_export_is_cut_each_call_is_in_it_once_and_in_order(
    sizes: list[int | None], page: int, max_bytes: int
) -> None:
    calls = Calls(_traces(len(sizes)), sizes, page)
    parts = calls.parts(max_bytes=max_bytes)
    kept = [size for size in sizes if size is not None]
    assert _sizes(parts) == [size for size in kept if LINE_BYTES + size <= max_bytes]
    assert all(sum(map(len, part.lines)) <= max_bytes for part in parts)
    assert sum(part.skipped.get(Skipped.WITHOUT_BODIES, 0) for part in parts) == len(sizes) - len(kept)
    named = [trace_id for part in parts for trace_id in part.too_long]
    long = [
        t.trace_id for t, s in zip(calls.traces, sizes, strict=True) if s is not None and LINE_BYTES + s > max_bytes
    ]
    assert named == long


def test_a_part_ends_when_its_time_is_over_and_the_next_goes_on() -> None:
    calls = Calls(_traces(5), [1, 2, 3, 4, 5], ms=iter(count(0.0, 10.0)))
    first = calls.part(max_ms=25)
    assert _sizes([first]) == [1, 2, 3]
    assert _sizes([calls.part(first.next_cursor, max_ms=10**6)]) == [4, 5]


def test_a_part_has_at_least_one_call_however_late_it_is() -> None:
    calls = Calls(_traces(4), [1, None, 3, 4], ms=iter(count(1000.0, 0.0)))
    assert [len(part.lines) + sum(part.skipped.values()) for part in calls.parts(max_ms=5)][:2] == [1, 1]
    assert _sizes(calls.parts(max_ms=5)) == [1, 3, 4]


def test_calls_that_begin_meanwhile_are_in_no_later_part() -> None:
    calls = Calls(_traces(4), [1, 2, 3, 4], page=4)
    first = calls.part(max_bytes=2 * LINE_BYTES + 4)
    assert _sizes([first]) == [1, 2]
    newer = _trace(1)
    calls.traces, calls.sizes = [newer, *calls.traces], [9, *calls.sizes]
    assert _sizes([calls.part(first.next_cursor)]) == [3, 4]


def test_only_so_many_calls_are_named_in_one_part() -> None:
    calls = Calls(_traces(MAX_EXPORT_LONG_LINES + 2), [100] * (MAX_EXPORT_LONG_LINES + 2))
    parts = calls.parts(max_bytes=50)
    assert [len(part.too_long) for part in parts] == [MAX_EXPORT_LONG_LINES, 2]


def test_bodies_under_zero_retention_are_not_asked_for() -> None:
    calls = Calls([replace(trace, is_zero_retention=True) for trace in _traces(2)], [1, 2])
    assert calls.part().skipped == {Skipped.ZERO_RETENTION: 2}
    assert calls.asked == 0


def test_the_last_part_says_which_calls_were_not_looked_at() -> None:
    parts = Calls(_traces(5), [9] * 5, searched_since=NOON).parts(max_bytes=150)
    assert len(parts) > 1
    assert [part.searched_since for part in parts] == [None] * (len(parts) - 1) + [NOON]


def test_an_export_of_nothing_is_at_its_end() -> None:
    assert Calls([], []).part() == Part((), {}, (), None)


@pytest.mark.parametrize("cursor", ["", "nonsense", ".nonsense", "abc."])
def test_a_cursor_of_another_kind_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        Calls(_traces(1), [1]).part(cursor)
