"""The aggregator's triggers: the table's stream and a schedule, the same as in the local system."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from switchboard.domain.pricing import settled
from switchboard.domain.trace import Status, Trace
from switchboard_local.event_filter import EventFilter
from switchboard_local.event_source import BATCH_RECORDS, INVOCATION_MS
from switchboard_local.schedule import SWEEP_EVERY_S
from switchboard_local.table import load_template
from testkit.samples import NOON, an_open_trace, one_price
from testkit.stream_events import PATTERN, stream_record

type Template = dict[str, Any]

STREAM_KEPT = timedelta(hours=24)
A_FEW_SECONDS = 5


def of_type(template: Template, kind: str) -> list[Template]:
    return [resource["Properties"] for resource in template["Resources"].values() if resource["Type"] == kind]


def source(template: Template) -> Template:
    [mapping] = of_type(template, "AWS::Lambda::EventSourceMapping")
    return mapping


def trace(status: Status) -> Trace:
    return replace(an_open_trace(), status=status)


def wrongly_filtered(event_filter: EventFilter) -> Iterator[str]:
    """Records that the filter passes without need, or drops although they must be settled."""
    for status in Status:
        record = stream_record(trace(status))
        for change in ("INSERT", "MODIFY"):
            if event_filter.admits({**record, "eventName": change}) is (status is Status.OPEN):
                yield f"{status}, {change}"
        if event_filter.admits({**record, "eventName": "REMOVE"}):
            yield f"{status}, removed"
        if event_filter.admits(stream_record(settled(trace(status), one_price(None), NOON))):
            yield f"{status}, settled"
    totals = stream_record(trace(Status.OK))
    totals["dynamodb"]["NewImage"]["kind"] = {"S": "totals"}
    if event_filter.admits(totals):
        yield "totals"


def test_the_function_is_fed_by_the_tables_stream(translated: Template) -> None:
    mapping = source(translated)

    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    assert mapping["FunctionName"] == {"Ref": "CostAggregatorFunction"}
    assert mapping["StartingPosition"] == "TRIM_HORIZON"


def test_every_status_but_open_passes_the_filter_and_nothing_else(written: Template) -> None:
    assert list(wrongly_filtered(EventFilter.of_stream(written))) == []


def test_the_local_system_reads_the_same_filter(translated: Template) -> None:
    [pattern] = source(translated)["FilterCriteria"]["Filters"]

    assert json.loads(pattern["Pattern"]) == json.loads(PATTERN)
    assert list(wrongly_filtered(EventFilter.of_stream(load_template()))) == []


@pytest.mark.parametrize(
    ("forgotten", "noticed"),
    [("kind", {"totals"}), ("status", {"open, INSERT", "open, MODIFY"})],
)
def test_a_missing_filter_condition_is_detected(forgotten: str, noticed: set[str]) -> None:
    pattern = json.loads(PATTERN)
    del pattern["dynamodb"]["NewImage"][forgotten]

    assert set(wrongly_filtered(EventFilter([json.dumps(pattern)]))) == noticed


def test_an_aggregator_that_triggers_itself_is_detected() -> None:
    pattern = json.loads(PATTERN)
    del pattern["dynamodb"]["NewImage"]["settled_at"]

    noticed = set(wrongly_filtered(EventFilter([json.dumps(pattern)])))

    assert noticed == {f"{status}, settled" for status in Status if status is not Status.OPEN}


def test_failed_records_are_retried_until_shortly_before_the_retention_ends(translated: Template) -> None:
    mapping = source(translated)

    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == -1
    # A record beyond the stream's retention is dropped silently; one beyond the maximum age goes to the queue.
    assert STREAM_KEPT / 2 < timedelta(seconds=mapping["MaximumRecordAgeInSeconds"]) < STREAM_KEPT
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["PoisonQueue", "Arn"]}


def test_batching_delays_calls_by_a_few_seconds_at_most(translated: Template) -> None:
    assert 0 < source(translated)["MaximumBatchingWindowInSeconds"] <= A_FEW_SECONDS
    assert source(translated)["ParallelizationFactor"] == 1


def test_the_local_system_has_the_same_batch_size_and_window(written: Template, translated: Template) -> None:
    function = written["Resources"]["CostAggregatorFunction"]["Properties"]

    assert source(translated)["BatchSize"] == BATCH_RECORDS
    assert function["Timeout"] * 1000 == INVOCATION_MS


def test_the_local_system_sweeps_as_often(translated: Template) -> None:
    [rule] = of_type(translated, "AWS::Events::Rule")

    assert rule["ScheduleExpression"] == f"rate({timedelta(seconds=SWEEP_EVERY_S) // timedelta(minutes=1)} minutes)"
    [target] = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["CostAggregatorFunction", "Arn"]}
    assert "Input" not in target  # the handler knows the schedule by the event's own source
