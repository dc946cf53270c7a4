"""Alarms on what the gateway and the aggregator print: each goes off on lines of a real run, and not on usual ones."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import cost_aggregator.observability
import gateway.recording.observability
from switchboard.domain.trace import Trace
from switchboard.store.ports import RowRefused, StoreUnavailable
from testkit.alarms import emitted, filtered, goes_off
from testkit.audited_ledger import Ledger
from testkit.openai_events import DONE, chunk, finish
from testkit.running_gateway import RunningGateway, running_gateway
from testkit.scripted_settling import finished
from testkit.stream_events import Seen, an_aggregator, connect_once, stream_event
from testkit.upstream import Answer, ScriptedUpstream

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Template = dict[str, Any]
type Lines = Callable[[], list[str]]

SCHEDULED = json.loads((Path(__file__).resolve().parents[2] / "events" / "scheduled.json").read_text())
NOWHERE = "http://127.0.0.1:1"
"""Nothing listens there."""


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """What was printed since the last time."""
    for service in (gateway.recording.observability.SERVICE, cost_aggregator.observability.SERVICE):
        logging.Logger.manager.loggerDict.pop(service, None)  # a logger keeps the stream that it was made with

    def printed() -> list[str]:
        return capsys.readouterr().out.splitlines()

    return printed


@pytest.fixture
def properties(written: Template) -> Callable[[str], Template]:
    def of(name: str) -> Template:
        found: Template = written["Resources"][name]["Properties"]
        return found

    return of


@pytest.fixture
def values(properties: Callable[[str], Template]) -> Callable[[str, list[str]], list[float]]:
    """The values of the metric that an alarm reads, in lines of the log group that its filter reads."""

    def of(alarm: str, written: list[str]) -> list[float]:
        read = properties(alarm)
        metric_filter = properties(read["MetricName"])
        [made] = metric_filter["MetricTransformations"]
        assert (made["MetricNamespace"], made["MetricName"]) == (read["Namespace"], read["MetricName"])
        return list(filtered(metric_filter, written))

    return of


async def called(running: RunningGateway, upstream: ScriptedUpstream) -> None:
    response = await running.call(x_inference_provider_url=upstream.base_url)
    assert response.status_code in {200, 500}


async def test_an_unwritten_trace_goes_off(
    lines: Lines, properties: Callable[[str], Template], values: Callable[[str, list[str]], list[float]]
) -> None:
    answer = Answer([chunk("Hello"), finish(), DONE])
    with ScriptedUpstream(answer, answer) as upstream:
        async with running_gateway(upstream.host, telemetry=gateway.recording.observability.telemetry()) as running:
            await called(running, upstream)
            await running.trace()
            usual = lines()
            running.store.fail_with(RowRefused("the row is too large"))
            await called(running, upstream)
    unwritten = values("TracesUnwrittenAlarm", lines())
    assert any("call.completed" in line for line in usual)
    assert values("TracesUnwrittenAlarm", usual) == []
    assert unwritten == [1]
    assert goes_off(properties("TracesUnwrittenAlarm"), [unwritten])
    assert properties("UnwrittenTraces")["LogGroupName"] == {"Ref": "GatewayLogs"}


async def test_a_fault_of_the_gateway_goes_off(
    lines: Lines, properties: Callable[[str], Template], values: Callable[[str, list[str]], list[float]]
) -> None:
    with ScriptedUpstream(Answer([chunk("Hello"), finish(), DONE])) as upstream:
        async with running_gateway(upstream.host, telemetry=gateway.recording.observability.telemetry()) as running:
            running.store.fail_with(ZeroDivisionError("a fault of the program"))
            await called(running, upstream)
    failed = values("GatewayFailedAlarm", lines())
    assert failed == [1]
    assert goes_off(properties("GatewayFailedAlarm"), [failed])
    assert properties("GatewayFailures")["LogGroupName"] == {"Ref": "GatewayLogs"}


async def test_a_slow_first_token_goes_off(lines: Lines, properties: Callable[[str], Template]) -> None:
    alarm = properties("FirstTokenAlarm")
    with ScriptedUpstream(Answer([chunk("Hello"), finish(), DONE])) as upstream:
        async with running_gateway(upstream.host, telemetry=gateway.recording.observability.telemetry()) as running:
            await called(running, upstream)
            trace: Trace = await running.trace()
    measured = list(emitted(alarm, lines()))
    assert measured == [trace.ttft_ms], "once, by service, although the provider's is there too"
    assert goes_off(alarm, [measured, [], measured], threshold=measured[0] - 1)
    assert not goes_off(alarm, [[], [], measured], threshold=measured[0] - 1), "one period of three"
    assert not goes_off(alarm, [measured, measured, measured], threshold=measured[0])


def test_a_batch_that_is_deferred_for_long_goes_off(
    lines: Lines, properties: Callable[[str], Template], values: Callable[[str, list[str]], list[float]]
) -> None:
    ledger = an_aggregator(
        connect_once(NOWHERE), "a-table-nowhere", Seen(), telemetry=cost_aggregator.observability.telemetry()
    )
    answer = ledger.handle(stream_event([finished()]), lambda: 1_000)
    deferred = values("BatchesDeferredAlarm", lines())
    assert answer["batchItemFailures"]
    assert deferred == [1]
    assert goes_off(properties("BatchesDeferredAlarm"), [deferred] * 3)
    assert not goes_off(properties("BatchesDeferredAlarm"), [deferred, [], deferred]), "it was settled meanwhile"
    assert properties("DeferredBatches")["LogGroupName"] == {"Ref": "CostAggregatorLogs"}


def test_a_sweep_that_ends_keeps_quiet_and_none_goes_off(
    lines: Lines,
    properties: Callable[[str], Template],
    values: Callable[[str, list[str]], list[float]],
    dynamodb: "DynamoDBClient",
    table: str,
) -> None:
    telemetry = cost_aggregator.observability.telemetry()
    an_aggregator(dynamodb, table, Seen(), telemetry=telemetry).handle(SCHEDULED, lambda: 60_000)
    swept = values("SweepMissingAlarm", lines())
    assert swept == [1]
    assert not goes_off(properties("SweepMissingAlarm"), [swept])
    with pytest.raises(StoreUnavailable):
        an_aggregator(connect_once(NOWHERE), table, Seen(), telemetry=telemetry).handle(SCHEDULED, lambda: 1_000)
    assert goes_off(properties("SweepMissingAlarm"), [values("SweepMissingAlarm", lines())])
    assert timedelta(seconds=properties("SweepMissingAlarm")["Period"]) == timedelta(minutes=15)
    assert properties("Sweeps")["LogGroupName"] == {"Ref": "CostAggregatorLogs"}


def test_a_difference_of_the_audit_goes_off(
    lines: Lines,
    properties: Callable[[str], Template],
    values: Callable[[str, list[str]], list[float]],
    dynamodb: "DynamoDBClient",
    table: str,
) -> None:
    telemetry, ledger = cost_aggregator.observability.telemetry(), Ledger(dynamodb, table)
    [trace, *_] = ledger.add(3)
    telemetry.audited(ledger.audit())
    assert values("AuditDifferencesAlarm", lines()) == []
    row, counter = next(iter(ledger.counters(trace).items()))
    ledger.plant(row, counter, 7)
    telemetry.audited(ledger.audit())
    differing = values("AuditDifferencesAlarm", lines())
    assert differing == [1]
    assert goes_off(properties("AuditDifferencesAlarm"), [differing])
    assert properties("AuditDifferences")["LogGroupName"] == {"Ref": "CostAggregatorLogs"}
