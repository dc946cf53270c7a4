"""The fault matrix: the caller's bytes, the attempts, the usage and the times of every cell."""

import json
import re
from itertools import pairwise

import pytest

from switchboard.domain.trace import AttemptRecord, Status
from switchboard.domain.usage import Tokens, UsageSource
from testkit.fault_matrix import CELLS, PROVIDERS, Cell, Position
from testkit.fault_targets import UNACKNOWLEDGED_MS, Matrix, Result
from testkit.faults import DISCARDED, FIRST_EVENTS, Case, Effect, Stale, answer_body, answer_events
from testkit.upstream import CAN_BLACKHOLE

pytestmark = pytest.mark.thorough

SOON_MS = 1500
"""Far more than a step takes that starts at once. What the event loop was late is added to it."""

ROUNDED_MS = 0.01


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
async def test_a_cell_of_the_matrix(matrix: Matrix, cell: Cell) -> None:
    if cell.fault.stale is Stale.DROPPED and not CAN_BLACKHOLE:
        pytest.skip("only Linux can drop a connection's packets")
    result = await matrix.result(cell)
    provider, last = cell.attempts[-1]
    if last.effect is Effect.ANSWERS:
        check_answer(cell, result, provider, last)
    elif last.effect is Effect.BREAKS:
        check_broken_stream(result, last)
    else:
        check_error(cell, result, last)
    check_requests(cell, result)
    check_attempts(cell, result)
    check_usage(cell, result)
    check_times(cell, result)


def check_answer(cell: Cell, result: Result, provider: str, case: Case) -> None:
    """The caller gets the good answer and nothing else."""
    response, trace = result.response, result.trace
    expected = b"".join(answer_events(provider)) if cell.streamed else case.garbage + answer_body(provider)
    assert (response.status_code, response.content) == (200, expected)
    assert (trace.status, trace.failure, trace.provider) == (Status.OK, None, provider)
    assert (trace.finish_reason, trace.streamed) == ("stop", cell.streamed)


def check_broken_stream(result: Result, case: Case) -> None:
    """The caller gets what was sent, then one error event, and no end marker."""
    begun = b"".join(FIRST_EVENTS)
    content, trace = result.response.content, result.trace
    assert (result.response.status_code, content[: len(begun)]) == (200, begun)
    assert re.fullmatch(rb"data: (\{.+\})\n\n", content[len(begun) :])
    error = json.loads(content[len(begun) + len("data: ") :])["error"]
    assert (error["code"], error["type"]) == (case.code, "upstream_error")
    assert re.search(case.message, error["message"])
    assert b"[DONE]" not in content
    assert trace.failure is not None
    assert (trace.status, trace.failure.code) == (Status.TRUNCATED, case.code)


def check_error(cell: Cell, result: Result, last: Case) -> None:
    """The caller gets one error of OpenAI's shape. The last attempt decides it, and it names every attempt in order."""
    response, trace = result.response, result.trace
    error = response.json()["error"]
    statuses = {case.status for _, case in cell.attempts}
    agrees = len(statuses) == 1 or last.effect is Effect.LATE
    assert response.status_code == (last.caller_status if agrees else 502)
    assert (error["code"], error["type"], error["param"]) == (last.code, "upstream_error", None)
    named = [
        rf"{provider} \({_host(case)}, {cell.name}\): {case.outcome}: {case.message}"
        for provider, case in cell.attempts
    ]
    assert re.fullmatch(r"No target answered\. " + "; ".join(named), error["message"])
    assert response.headers["content-type"] == "application/json"
    assert (response.headers.get("retry-after") is not None) is (agrees and last.retry_after_ms is not None)
    assert trace.status is (Status.TIMEOUT if last.effect is Effect.LATE else Status.UPSTREAM_ERROR)
    assert trace.failure is not None
    assert (trace.failure.code, trace.failure.http_status) == (last.code, response.status_code)
    assert trace.failure.message == error["message"]


def check_requests(cell: Cell, result: Result) -> None:
    """Each upstream gets the requests of its attempts and no other; no discarded byte is sent or stored."""
    providers = [provider for provider, _ in cell.attempts]
    if cell.fault.stale is Stale.RESET:
        providers += providers[-1:]  # once over the old connection, and once over a new one
    assert result.requests == tuple(map(providers.count, PROVIDERS))
    assert DISCARDED.encode() not in result.response.content
    assert result.kept == result.response.content


def check_attempts(cell: Cell, result: Result) -> None:
    """The trace lists the attempts in order: target, outcome and the upstream's status."""
    trace = result.trace
    assert [(a.provider, a.host, a.model, a.outcome, a.status) for a in trace.attempts] == [
        (provider, _host(case), cell.name, case.outcome, case.status) for provider, case in cell.attempts
    ]
    for attempt, (_, case) in zip(trace.attempts, cell.attempts, strict=True):
        assert re.search(case.message, attempt.error or "")
        assert (attempt.error is None) is (case.outcome == "ok")
        assert not attempt.is_hedge
    assert all(case.note in " ".join(trace.notes) for _, case in cell.attempts)


def check_usage(cell: Cell, result: Result) -> None:
    """An attempt's usage is the provider's own, else an estimate. The call has the usage of its last attempt."""
    *others, last = [case.usage for _, case in cell.attempts]
    assert result.trace.usage.source is last
    if cell.attempts[-1][1].effect is Effect.ANSWERS:
        assert result.trace.usage.tokens == Tokens(fresh_input=3, output=2)
    sources = [attempt.usage.source for attempt in result.trace.attempts]
    assert sources == [*others, UsageSource.ABSENT]


def check_times(cell: Cell, result: Result) -> None:
    """An attempt follows at once or at its predecessor's deadline. A call without an answer takes the plan's time."""
    trace, soon_ms = result.trace, SOON_MS + result.lag_ms
    assert trace.duration_ms is not None
    assert trace.gateway_ms == trace.attempts[0].started_ms
    assert trace.attempts[0].started_ms < soon_ms
    for number, (earlier, later) in enumerate(pairwise(trace.attempts)):
        follows_ms = _follows_ms(cell, number, earlier)
        assert follows_ms <= later.started_ms + ROUNDED_MS < follows_ms + soon_ms
    ended_ms = [attempt.started_ms + attempt.duration_ms for attempt in trace.attempts]
    assert max(ended_ms) <= trace.duration_ms + ROUNDED_MS
    assert trace.duration_ms < max(ended_ms) + soon_ms
    last = trace.attempts[-1]
    if cell.attempts[-1][1].effect is Effect.LATE:
        assert cell.plan_ms <= trace.duration_ms < cell.plan_ms + soon_ms
    elif cell.fault.stale is Stale.DROPPED:
        assert UNACKNOWLEDGED_MS / 2 < last.duration_ms < UNACKNOWLEDGED_MS + soon_ms
    else:
        assert last.duration_ms < soon_ms
    has_ttft = cell.streamed and cell.attempts[-1][1].effect in (Effect.ANSWERS, Effect.BREAKS)
    assert (trace.ttft_ms is not None) is (last.ttft_ms is not None) is has_ttft
    if trace.ttft_ms is not None:
        assert last.started_ms <= trace.ttft_ms <= trace.duration_ms


def _follows_ms(cell: Cell, number: int, earlier: AttemptRecord) -> float:
    """When the attempt after that one is due, in milliseconds of the call."""
    case = cell.attempts[number][1]
    if case.effect is Effect.LATE:
        assert earlier.duration_ms >= cell.deadlines_ms[number]
        return earlier.started_ms + cell.deadlines_ms[number]
    pause_ms = (case.retry_after_ms or 0) if cell.position is Position.ALONE else 0
    return earlier.started_ms + earlier.duration_ms + pause_ms


def _host(case: Case) -> str:
    return "nowhere.invalid" if "nowhere" in case.message else "127.0.0.1"
