"""`switchboard traces restore` on a real table."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import Result

from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.traces.trace_lines import to_line
from testkit.samples import a_usual_attempt, a_usual_usage, an_open_trace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Switchboard = Callable[..., Result]


@pytest.fixture
def store(dynamodb: "DynamoDBClient", table: str) -> DynamoStore:
    return DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))


@pytest.fixture
def restore(switchboard: Switchboard, table: str, dynamodb_endpoint: str) -> Switchboard:
    """Runs `switchboard traces restore` on this test's table."""

    def run(*words: str, stdin: str | None = None) -> Result:
        where = ("--table", table, "--endpoint-url", dynamodb_endpoint)
        return switchboard("traces", "restore", *words, *where, stdin=stdin)

    return run


def finished() -> Trace:
    return replace(
        an_open_trace(), status=Status.OK, duration_ms=900.0, usage=a_usual_usage(), attempts=(a_usual_attempt(),)
    )


def line(trace: Trace, **fields: object) -> str:
    event = {"level": "ERROR", "message": "trace.unwritten", "project": trace.project, "what": "completed"}
    return json.dumps({**event, "trace_id": trace.trace_id, "row": dict(to_line(trace).row), **fields})


def test_traces_of_a_log_are_written_however_often(restore: Switchboard, store: DynamoStore, tmp_path: Path) -> None:
    traces = [finished() for _ in range(3)]
    store.open_trace(replace(an_open_trace(), trace_id=traces[0].trace_id))
    log = tmp_path / "gateway.log"
    others = ['{"message": "call.completed"}', line(traces[0], what="bodies", row=None)]
    log.write_text("\n".join([others[0], *map(line, traces), others[1]]) + "\n")
    for _ in range(2):
        ended = restore(str(log))
        assert (ended.exit_code, ended.stdout) == (0, "Traces in the table: 3. Their costs follow within seconds.\n")
    assert [store.find_trace("acme", trace.trace_id) for trace in traces] == traces


def test_lines_that_cannot_be_read_are_counted_and_the_others_written(restore: Switchboard, store: DynamoStore) -> None:
    trace = finished()
    damaged = [line(trace)[:200], line(trace, row={"trace_id": "x"}), '"trace.unwritten"', line(trace, row=None)]
    ended = restore("-", stdin="\n".join([*damaged, line(trace)]))
    assert (ended.exit_code, ended.stderr) == (1, "Lines without a trace that can be read: 4.\n")
    assert store.find_trace("acme", trace.trace_id) == trace


def test_a_call_that_was_found_lost_stays_so(restore: Switchboard, store: DynamoStore) -> None:
    trace = finished()
    lost = replace(trace, status=Status.LOST)
    store.complete_trace(lost, Bodies())
    ended = restore("-", stdin=line(trace))
    assert (ended.exit_code, ended.stdout[:23]) == (0, "Traces in the table: 0.")
    assert ended.stderr == "Found lost before, and counted by an estimate: 1.\n"
    assert store.find_trace("acme", trace.trace_id) == lost


def test_the_reason_of_a_failure_is_a_sentence(restore: Switchboard, switchboard: Switchboard, tmp_path: Path) -> None:
    ended = restore(str(tmp_path / "none.log"))
    assert (ended.exit_code, "none.log cannot be read: No such file" in ended.stderr) == (1, True)
    ended = switchboard("traces", "restore", "-", stdin="")
    assert (ended.exit_code, "No table given" in ended.stderr) == (1, True)
