"""Saved queries: they only use fields that exist at each stage, and tolerate repeated lines."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

import cost_aggregator.telemetry
import gateway.recording.telemetry
from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.trace import ABANDONED, Failure, Status
from testkit.samples import NOON, a_usual_attempt, a_usual_usage, an_open_trace, one_price

type Template = dict[str, Any]

OF_CALLS = {"FirstTokenByModel", "ErrorsByUpstream", "FailedAttempts", "CallsOfConversation"} | {
    "SlowestCalls",
    "FallbacksAndHedges",
    "ColdStarts",
}
OF_COSTS = {"CostPerTask", "CostPerHour", "UnpricedModels"}
CARD = RateCard("anthropic", "claude-sonnet-4-5", Rates(3, 15, 1, 4, 6), ALWAYS, "a test")
COMMANDS = {"filter", "stats", "fields", "sort", "limit"}
FUNCTIONS = {"bin", "count", "ispresent", "latest", "pct", "sortsLast", "sum"}
INSIGHTS_WORDS = COMMANDS | FUNCTIONS | {"by", "as", "and", "not", "in", "asc", "desc"}


class Lines:
    """A log that stores its lines as Powertools writes them: the message is a field, and None is left out."""

    def __init__(self) -> None:
        self.fields: dict[str, set[str]] = {}

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Store the line."""
        told = {name for name, value in extra.items() if value is not None}
        self.fields.setdefault(str(msg), {"message"}).update(told)

    warning = exception = error = info


@pytest.fixture
def log_fields() -> dict[str, set[str]]:
    """The fields of each line, from the telemetry itself."""
    trace = replace(
        an_open_trace(),
        status=Status.UPSTREAM_ERROR,
        ttft_ms=412.25,
        first_sentence_ms=640.0,
        queue_ms=12.5,
        duration_ms=1843.6,
        gateway_ms=3.1,
        finish_reason="stop",
        attempts=(a_usual_attempt(),),
        usage=a_usual_usage(),
        failure=Failure("upstream_rejected", "No target answered.", 502),
    )
    lines = Lines()
    gateway.recording.telemetry.Telemetry(lines, lambda _metrics, _dimensions: None).completed(trace, 502)
    priced, unpriced = (settled(trace, one_price(card), NOON) for card in (CARD, None))
    cost_aggregator.telemetry.Telemetry(lines, lambda _metrics: None).settled([priced, unpriced])
    return lines.fields


@pytest.fixture
def queries(written: Template) -> dict[str, str]:
    """The text of each saved query."""
    found = written["Resources"].items()
    return {name: r["Properties"]["QueryString"] for name, r in found if r["Type"] == "AWS::Logs::QueryDefinition"}


def unknown_fields(query: str, known: set[str]) -> set[str]:
    """Names in a query that no log line has and no earlier command has made."""
    unknown: set[str] = set()
    for command in re.sub(r'"[^"]*"', "", query).split("|"):
        names = set(re.findall(r"(?<![@\w])[a-z]\w*", command)) - INSIGHTS_WORDS
        made = set(re.findall(r"\bas (\w+)", command))
        unknown |= names - made - known
        if command.split()[0] == "stats":
            known = made | set(re.findall(r"\w+", command.rpartition(" by ")[2]))
    return unknown


def test_each_query_is_known(queries: dict[str, str]) -> None:
    assert set(queries) == OF_CALLS | OF_COSTS


@pytest.mark.parametrize("name", sorted(OF_CALLS | OF_COSTS))
def test_a_query_only_uses_fields_of_the_log(
    queries: dict[str, str], log_fields: dict[str, set[str]], name: str
) -> None:
    line = "call.completed" if name in OF_CALLS else "call.settled"

    assert f'filter message = "{line}"' in queries[name]
    assert unknown_fields(queries[name], log_fields[line]) == set()


@pytest.mark.parametrize("name", sorted(OF_CALLS | OF_COSTS))
def test_a_query_reads_the_group_that_has_its_line(written: Template, name: str) -> None:
    group = "GatewayLogs" if name in OF_CALLS else "CostAggregatorLogs"

    assert written["Resources"][name]["Properties"]["LogGroupNames"] == [{"Ref": group}]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("FirstTokenByModel", "ttft_ms"),
        ("FallbacksAndHedges", "is_hedged"),
        ("ColdStarts", "queue_ms"),
        ("CostPerTask", "cost_pico_usd"),
        ("CostPerHour", "hour"),
    ],
)
def test_a_renamed_field_is_detected(
    queries: dict[str, str], log_fields: dict[str, set[str]], name: str, field: str
) -> None:
    line = "call.completed" if name in OF_CALLS else "call.settled"

    assert unknown_fields(queries[name], log_fields[line] - {field}) == {field}


def test_a_field_dropped_by_the_first_stats_is_detected(
    queries: dict[str, str], log_fields: dict[str, set[str]]
) -> None:
    query = queries["CostPerTask"].replace("by trace_id, task_id", "by trace_id")

    assert unknown_fields(query, log_fields["call.settled"]) == {"task_id"}


@pytest.mark.parametrize("name", sorted(OF_COSTS))
def test_a_repeated_line_is_counted_once(queries: dict[str, str], name: str) -> None:
    stages = [" ".join(command.split()) for command in queries[name].split("|")]

    assert re.match(r"stats latest\(\w+\) as \w+ by trace_id, task_id", stages[1])
    assert stages[2].startswith("stats ")
    # A time is the line's own, and of these there may be two.
    assert "latest" not in stages[2]
    assert "@timestamp" not in queries[name]


def test_abandoned_calls_are_not_upstream_errors(queries: dict[str, str]) -> None:
    [left_out] = re.findall(r"status not in \[(.*)\]", queries["ErrorsByUpstream"])
    assert set(re.findall(r'"(\w+)"', left_out)) == {Status.OK, Status.EMPTY, *ABANDONED}


def test_times_to_first_token_are_of_complete_answers(queries: dict[str, str]) -> None:
    assert f'status = "{Status.OK}"' in queries["FirstTokenByModel"]
