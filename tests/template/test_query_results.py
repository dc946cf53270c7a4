"""What the saved queries of calls answer, on lines of a real run, recomputed here from the stored traces."""

import logging
from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest

from gateway.recording.observability import SERVICE, telemetry
from switchboard.domain.trace import Status, Trace
from testkit.insights import percentile, run
from testkit.openai_events import DONE, chunk, finish
from testkit.running_gateway import chat, running_gateway
from testkit.upstream import Answer, ScriptedUpstream, json_answer

type Template = dict[str, Any]
type Run = Callable[[str], list[dict[str, Any]]]

CALLS = 12
BROKEN = {2, 7}
"""The calls whose first attempt fails."""


@pytest.fixture
async def recorded(written: Template, capsys: pytest.CaptureFixture[str]) -> tuple[list[Trace], Run]:
    """The traces of some calls, and the saved queries on the lines that they wrote."""
    logging.Logger.manager.loggerDict.pop(SERVICE, None)  # a logger keeps the stream that it was made with
    good, bad = Answer([chunk("Hello"), finish(), DONE]), json_answer({"error": {"message": "busy"}}, 503)
    answers = [answer for call in range(CALLS) for answer in ([bad, good] if call in BROKEN else [good])]
    traces = []
    with ScriptedUpstream(*answers) as upstream:
        async with running_gateway(upstream.host, telemetry=telemetry(), retry_backoff_ms="1") as gateway:
            for call in range(CALLS):
                task = f"task-{call % 2}"
                body = chat(model=f"gpt-{call % 3}", stream=True)
                await gateway.call(body, x_inference_provider_url=upstream.base_url, x_inference_task_id=task)
                traces.append(await gateway.trace())
            await gateway.call({"model": 7})
            await gateway.trace()
    lines = capsys.readouterr().out.splitlines()
    return traces, lambda name: run(written["Resources"][name]["Properties"]["QueryString"], lines)


async def test_the_slowest_calls_are_those_with_the_longest_wait(recorded: tuple[list[Trace], Run]) -> None:
    traces, query = recorded
    slowest = sorted(traces, key=lambda trace: trace.ttft_ms or 0, reverse=True)
    rows = query("SlowestCalls")
    assert [(row["trace_id"], row["ttft_ms"]) for row in rows] == [(each.trace_id, each.ttft_ms) for each in slowest]
    assert {row["trace_id"]: row["attempts"] for row in rows} == {each.trace_id: len(each.attempts) for each in traces}


async def test_fallbacks_and_hedges_are_shares_of_the_calls(recorded: tuple[list[Trace], Run]) -> None:
    traces, query = recorded
    kinds = Counter((each.task_id, each.model) for each in traces)
    failed = Counter((each.task_id, each.model) for each in traces if any(a.error for a in each.attempts))
    rows = {(row["task_id"], row["model"]): row for row in query("FallbacksAndHedges")}
    assert sum(failed.values()) == len(BROKEN)
    assert {kind: row["calls"] for kind, row in rows.items()} == dict(kinds)
    for kind, row in rows.items():
        assert row["calls_with_failures"] == failed[kind]
        assert row["fallback_percent"] == pytest.approx(100 * failed[kind] / kinds[kind])
        assert row["hedged_calls"] == row["hedge_percent"] == 0


async def test_cold_starts_are_counted_among_all_calls(recorded: tuple[list[Trace], Run]) -> None:
    rows = recorded[1]("ColdStarts")
    assert sum(row["calls"] for row in rows) == CALLS + 1, "the refused call too"
    assert sum(row["cold_starts"] for row in rows) == 1
    assert rows[0]["cold_percent"] == pytest.approx(100 / rows[0]["calls"])


async def test_times_to_first_token_are_grouped_by_model(recorded: tuple[list[Trace], Run]) -> None:
    traces, query = recorded
    for row in query("FirstTokenByModel"):
        times = [each.ttft_ms for each in traces if each.model == row["model"] and each.ttft_ms is not None]
        assert row["calls"] == len(times) == CALLS / 3
        assert min(times) <= row["p50_ms"] <= median(times) <= row["p90_ms"] <= row["p99_ms"] == max(times)
        assert row["p90_ms"] == percentile(times, 90)


async def test_errors_by_upstream_leave_out_calls_that_another_attempt_saved(recorded: tuple[list[Trace], Run]) -> None:
    traces, query = recorded
    assert {each.status for each in traces} == {Status.OK}
    [refused] = query("ErrorsByUpstream")
    assert (refused["calls"], refused["upstream"]) == (1, None)
    saved = query("FailedAttempts")
    assert sum(row["calls"] for row in saved) == len(BROKEN)
    assert {row["status"] for row in saved} == {"ok"}
