"""The fault matrix: what the caller gets of every cell, byte for byte, and what its trace says."""

import json
import re
from itertools import pairwise

import pytest

from switchboard.domain.trace import AttemptRecord, Status
from switchboard.domain.usage import Tokens, UsageSource
from testkit.fault_house import UNACKNOWLEDGED_MS, Matrix, Played
from testkit.fault_matrix import CELLS, TWINS, Cell, Place
from testkit.faults import BEGUN, UNHEARD, Course, Stale, Way, spoken, whole
from testkit.upstream import CAN_BLACKHOLE

SOON_MS = 1500
"""Far more than a step takes that takes place at once, on a machine with much else to do."""

ROUNDED_MS = 0.01


def _skip_where_it_cannot_be_played(cell: Cell) -> None:
    if cell.fault.stale is Stale.SWALLOWED and not CAN_BLACKHOLE:
        pytest.skip("only Linux can make a connection swallow packets")


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
async def test_a_cell_of_the_matrix(matrix: Matrix, cell: Cell) -> None:
    _skip_where_it_cannot_be_played(cell)
    played = await matrix.played(cell)
    provider, last = cell.attempts[-1]
    if last.way is Way.HEALED:
        hears_the_answer(cell, played, provider, last)
    elif last.way is Way.SPOKEN:
        hears_the_break(played, last)
    else:
        hears_the_error(cell, played, last)
    asks_nobody_else(cell, played)
    traces_every_attempt(cell, played)
    counts_what_was_used(cell, played)
    is_in_time(cell, played)


def hears_the_answer(cell: Cell, played: Played, provider: str, course: Course) -> None:
    """The good answer and nothing else; the trace says so."""
    response, trace = played.response, played.trace
    heard = b"".join(spoken(provider)) if cell.streamed else course.garbage + whole(provider)
    assert (response.status_code, response.content) == (200, heard)
    assert (trace.status, trace.failure, trace.provider) == (Status.OK, None, provider)
    assert (trace.finish_reason, trace.streamed) == ("stop", cell.streamed)


def hears_the_break(played: Played, course: Course) -> None:
    """What was said, then one error event, and no end marker."""
    begun = b"".join(BEGUN)
    content, trace = played.response.content, played.trace
    assert (played.response.status_code, content[: len(begun)]) == (200, begun)
    assert re.fullmatch(rb"data: (\{.+\})\n\n", content[len(begun) :])
    error = json.loads(content[len(begun) + len("data: ") :])["error"]
    assert (error["code"], error["type"]) == (course.code, "upstream_error")
    assert re.search(course.said, error["message"])
    assert b"[DONE]" not in content
    assert trace.failure is not None
    assert (trace.status, trace.failure.code) == (Status.TRUNCATED, course.code)


def hears_the_error(cell: Cell, played: Played, last: Course) -> None:
    """One error of OpenAI's shape: the last attempt decides, and every attempt is named in its order."""
    response, trace = played.response, played.trace
    error = response.json()["error"]
    statuses = {course.status for _, course in cell.attempts}
    agrees = len(statuses) == 1 or last.way is Way.LATE
    assert response.status_code == (last.caller_status if agrees else 502)
    assert (error["code"], error["type"], error["param"]) == (last.code, "upstream_error", None)
    told = [
        rf"{provider} \({_host(course)}, {cell.name}\): {course.outcome}: {course.said}"
        for provider, course in cell.attempts
    ]
    assert re.fullmatch(r"No target answered\. " + "; ".join(told), error["message"])
    assert response.headers["content-type"] == "application/json"
    assert (response.headers.get("retry-after") is not None) is (agrees and last.retry_after_ms is not None)
    assert trace.status is (Status.TIMEOUT if last.way is Way.LATE else Status.UPSTREAM_ERROR)
    assert trace.failure is not None
    assert (trace.failure.code, trace.failure.http_status) == (last.code, response.status_code)
    assert trace.failure.message == error["message"]


def asks_nobody_else(cell: Cell, played: Played) -> None:
    """Each twin has had the requests of its attempts, and not one more; nothing of theirs is heard or kept."""
    at_twins = [provider for provider, _ in cell.attempts]
    if cell.fault.stale is Stale.RESET:
        at_twins += at_twins[-1:]  # once over the old connection, and once over a new one
    assert played.asked == tuple(map(at_twins.count, TWINS))
    assert UNHEARD.encode() not in played.response.content
    assert played.kept == played.response.content


def traces_every_attempt(cell: Cell, played: Played) -> None:
    """The trace's attempts, in their order: at whom, how each went, and the upstream's own status."""
    trace = played.trace
    assert [(a.provider, a.host, a.model, a.outcome, a.status) for a in trace.attempts] == [
        (provider, _host(course), cell.name, course.outcome, course.status) for provider, course in cell.attempts
    ]
    for attempt, (_, course) in zip(trace.attempts, cell.attempts, strict=True):
        assert re.search(course.said, attempt.error or "")
        assert (attempt.error is None) is (course.outcome == "ok")
        assert not attempt.is_hedge
    assert all(course.note in " ".join(trace.notes) for _, course in cell.attempts)


def counts_what_was_used(cell: Cell, played: Played) -> None:
    """Who worked is counted: the provider's own figures, else an estimate. The call has those of its last attempt."""
    *others, last = [course.usage for _, course in cell.attempts]
    assert played.trace.usage.source is last
    if cell.attempts[-1][1].way is Way.HEALED:
        assert played.trace.usage.tokens == Tokens(fresh_input=3, output=2)
    sources = [attempt.usage.source for attempt in played.trace.attempts]
    assert sources == [*others, UsageSource.ABSENT]


def is_in_time(cell: Cell, played: Played) -> None:
    """Attempts follow each other at once, or when patience is over; whoever waits in vain waits as long as planned."""
    trace = played.trace
    assert trace.duration_ms is not None
    assert trace.gateway_ms == trace.attempts[0].started_ms
    assert trace.attempts[0].started_ms < SOON_MS
    for number, (earlier, later) in enumerate(pairwise(trace.attempts)):
        _follows_in_time(cell, number, earlier, later)
    ended_ms = [attempt.started_ms + attempt.duration_ms for attempt in trace.attempts]
    assert max(ended_ms) <= trace.duration_ms + ROUNDED_MS
    assert trace.duration_ms < max(ended_ms) + SOON_MS
    last = trace.attempts[-1]
    if cell.attempts[-1][1].way is Way.LATE:
        assert cell.plan_ms <= trace.duration_ms < cell.plan_ms + SOON_MS
    elif cell.fault.stale is Stale.SWALLOWED:
        assert UNACKNOWLEDGED_MS / 2 < last.duration_ms < UNACKNOWLEDGED_MS + SOON_MS
    else:
        assert last.duration_ms < SOON_MS
    spoke = cell.streamed and cell.attempts[-1][1].way in (Way.HEALED, Way.SPOKEN)
    assert (trace.ttft_ms is not None) is (last.ttft_ms is not None) is spoke
    if trace.ttft_ms is not None:
        assert last.started_ms <= trace.ttft_ms <= trace.duration_ms


def _follows_in_time(cell: Cell, number: int, earlier: AttemptRecord, later: AttemptRecord) -> None:
    course = cell.attempts[number][1]
    if course.way is Way.LATE:
        from_ms = earlier.started_ms + cell.patience_ms[number]
        assert earlier.duration_ms >= cell.patience_ms[number]
    elif cell.place is Place.ALONE:
        from_ms = earlier.started_ms + earlier.duration_ms + (course.retry_after_ms or 0)
    else:
        from_ms = earlier.started_ms + earlier.duration_ms
    assert from_ms <= later.started_ms + ROUNDED_MS < from_ms + SOON_MS


def _host(course: Course) -> str:
    return "nowhere.invalid" if "nowhere" in course.said else "127.0.0.1"
