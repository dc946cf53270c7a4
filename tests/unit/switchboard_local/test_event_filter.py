"""The local filter admits the same events as Lambda's, and refuses patterns that it does not support."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from switchboard.domain.pricing import settled
from switchboard.domain.trace import Failure, Status
from switchboard_local.event_filter import EventFilter, FilterInvalid
from testkit.samples import NOON, an_open_trace, one_price
from testkit.stream_events import PATTERN, stream_record

LEDGER = Path(__file__).resolve().parents[3] / "docs" / "ledger.md"
FINISHED = replace(an_open_trace(), status=Status.REFUSED, failure=Failure("no", "No.", 400))


def test_the_pattern_is_the_documented_one() -> None:
    blocks = [block.strip() for block in LEDGER.read_text().split("```") if block.startswith("json")]
    assert [json.loads(block.removeprefix("json")) for block in blocks] == [json.loads(PATTERN)]


def admits(pattern: Any, event: Any) -> bool:
    return EventFilter([json.dumps(pattern)]).admits(event)


def test_only_finished_and_unsettled_traces_pass() -> None:
    wanted = EventFilter([PATTERN])
    assert wanted.admits(stream_record(FINISHED))
    assert wanted.admits({**stream_record(FINISHED), "eventName": "INSERT"})
    assert not wanted.admits({**stream_record(FINISHED), "eventName": "REMOVE"})
    assert not wanted.admits(stream_record(an_open_trace()))
    assert not wanted.admits(stream_record(settled(FINISHED, one_price(None), NOON)))
    totals = stream_record(FINISHED)
    totals["dynamodb"]["NewImage"] = {"kind": {"S": "totals"}}
    assert not wanted.admits(totals)
    deleted = stream_record(FINISHED)
    del deleted["dynamodb"]["NewImage"]
    assert not wanted.admits(deleted)


@pytest.mark.parametrize(
    ("pattern", "event", "is_admitted"),
    [
        ({"a": ["x", "y"]}, {"a": "y"}, True),
        ({"a": ["x", "y"]}, {"a": "z"}, False),
        ({"a": ["x"], "b": ["y"]}, {"a": "x"}, False),
        ({"a": {"b": ["x"]}}, {"a": {"b": "x", "c": 1}}, True),
        ({"a": {"b": ["x"]}}, {"a": "x"}, False),
        ({"a": [None]}, {"a": None}, True),
        ({"a": [1]}, {"a": True}, False),
        ({"a": [1]}, {"a": 1.0}, True),
        ({"a": ["x"]}, {"a": ["w", "x"]}, True),
        ({"a": [{"prefix": "ab"}]}, {"a": "abc"}, True),
        ({"a": [{"prefix": "ab"}]}, {"a": "ba"}, False),
        ({"a": [{"anything-but": "x"}]}, {"a": "y"}, True),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "y"}, False),
        ({"a": [{"anything-but": ["x"]}]}, {}, False),
        ({"a": [{"exists": True}]}, {"a": None}, True),
        ({"a": [{"exists": True}]}, {}, False),
        ({"a": [{"exists": True}]}, {"a": {"b": 1}}, False),
        ({"a": {"b": [{"exists": False}]}}, {}, True),
        ({"a": {"b": [{"exists": False}]}}, {"a": {"b": 0}}, False),
        ({"a": [{"exists": False}, "x"]}, {"a": "x"}, True),
    ],
)
def test_operators(pattern: Any, event: Any, is_admitted: bool) -> None:
    assert admits(pattern, event) is is_admitted


def test_one_matching_pattern_admits_and_no_pattern_admits_everything() -> None:
    assert EventFilter(['{"a": ["x"]}', '{"b": ["y"]}']).admits({"b": "y"})
    assert EventFilter([]).admits({})


@pytest.mark.parametrize(
    "pattern",
    [
        "{",
        "[]",
        "{}",
        '{"a": "x"}',
        '{"a": [{"numeric": [">", 5]}]}',
        '{"a": [{"suffix": "x"}]}',
        '{"a": [{"anything-but": {"prefix": "x"}}]}',
        '{"a": [{"exists": "yes"}]}',
        '{"a": [{"exists": true, "prefix": "x"}]}',
        '{"$or": [{"a": ["x"]}]}',
    ],
)
def test_an_unsupported_pattern_is_an_error(pattern: str) -> None:
    with pytest.raises(FilterInvalid):
        EventFilter([pattern])


def test_the_filter_is_that_of_the_templates_one_stream() -> None:
    source = {"Type": "DynamoDB", "Properties": {"FilterCriteria": {"Filters": [{"Pattern": PATTERN}]}}}
    timer = {"Type": "Schedule", "Properties": {"Schedule": "rate(5 minutes)"}}
    function = {"Properties": {"Events": {"Stream": source, "Timer": timer}}}
    template = {"Resources": {"Table": {}, "Function": function}}
    assert not EventFilter.of_stream(template).admits(stream_record(an_open_trace()))
    assert EventFilter.of_stream(template).admits(stream_record(FINISHED))
    wrong_ones: list[dict[str, Any]] = [{"Table": {}}, {"One": function, "Two": function}]
    for wrong in wrong_ones:
        with pytest.raises(FilterInvalid, match="not one"):
            EventFilter.of_stream({"Resources": wrong})
