"""What an operator meets: parameters, outputs, what is kept and for how long, saved queries."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gateway.telemetry import Telemetry
from switchboard.trace import Failure, Status
from testkit.samples import a_usual_attempt, a_usual_usage, an_open_trace

type Template = dict[str, Any]

COMMANDS = {"filter", "stats", "fields", "sort", "limit"}
INSIGHTS_WORDS = COMMANDS | {"count", "pct", "latest", "by", "as", "and", "not", "in", "asc", "desc"}


class Lines:
    """A log that remembers its lines, as Powertools writes them: the message is a field."""

    def __init__(self) -> None:
        self.fields: set[str] = set()

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        if msg == "call.completed":
            self.fields |= {"message", *extra}

    warning = exception = info


@pytest.fixture
def log_fields() -> set[str]:
    """The fields of `call.completed`, from the telemetry itself."""
    trace = replace(
        an_open_trace(),
        status=Status.UPSTREAM_ERROR,
        attempts=(a_usual_attempt(),),
        usage=a_usual_usage(),
        failure=Failure("upstream_rejected", "No target answered.", 502),
    )
    lines = Lines()
    Telemetry(lines, lambda _metrics, _dimensions: None).completed(trace, 502)
    return lines.fields


def unknown_fields(query: str, known: set[str]) -> set[str]:
    """Names in a query that are neither fields of the log line, nor the query's own."""
    without_texts = re.sub(r'"[^"]*"', "", query)
    own = set(re.findall(r"\bas (\w+)", without_texts))
    return set(re.findall(r"(?<![@\w])[a-z]\w*", without_texts)) - known - own - INSIGHTS_WORDS


def queries(template: Template) -> dict[str, str]:
    found = template["Resources"].items()
    return {name: r["Properties"]["QueryString"] for name, r in found if r["Type"] == "AWS::Logs::QueryDefinition"}


@pytest.mark.parametrize("section", ["Parameters", "Outputs"])
def test_everything_is_described(written: Template, section: str) -> None:
    assert [name for name, entry in written[section].items() if not entry.get("Description")] == []


def test_every_parameter_has_a_default_and_bounds(written: Template) -> None:
    bounds = {"AllowedValues", "AllowedPattern", "MinValue"}

    assert [n for n, p in written["Parameters"].items() if "Default" not in p or not bounds & set(p)] == []


@pytest.mark.parametrize(
    ("parameter", "value", "is_allowed"),
    [
        ("ProviderBaseUrls", "", True),
        ("ProviderBaseUrls", "azure=https://x.openai.azure.com/openai/v1,demo=http://10.0.0.7:8000/v1", True),
        ("ProviderBaseUrls", "azure", False),
        ("PrivateProviderHosts", "10.0.0.7:8000,[fd00::1]:443,models.internal", True),
        ("PrivateProviderHosts", "http://10.0.0.7", False),
        ("KeylessProviders", "demo,generic", True),
        ("DynamoDbEndpoint", "http://host.docker.internal:8001", True),
        ("DynamoDbEndpoint", "8001", False),
    ],
)
def test_a_parameters_value_is_checked_at_the_door(
    written: Template, parameter: str, value: str, is_allowed: bool
) -> None:
    pattern = written["Parameters"][parameter]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, value)) is is_allowed


def test_outputs_lead_to_the_gateway_and_its_console(written: Template) -> None:
    outputs = {name: output["Value"] for name, output in written["Outputs"].items()}

    assert outputs["BaseUrl"]["Fn::Sub"].endswith("/prod/v1")
    assert outputs["ConsoleUrl"]["Fn::Sub"].endswith("/prod/console")
    assert outputs["TableName"] == {"Ref": "Table"}


def test_the_table_outlives_its_stack_and_mistakes(written: Template) -> None:
    table = written["Resources"]["Table"]

    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["Properties"]["SSESpecification"]["SSEEnabled"] is True
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["Properties"]["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


def test_logs_are_not_kept_for_ever(written: Template) -> None:
    groups = [r["Properties"] for r in written["Resources"].values() if r["Type"] == "AWS::Logs::LogGroup"]

    assert [group["RetentionInDays"] for group in groups] == [{"Ref": "LogRetentionDays"}] * 2


def test_saved_queries_ask_for_fields_that_the_log_has(written: Template, log_fields: set[str]) -> None:
    assert set(queries(written)) == {"FirstTokenByModel", "ErrorsByUpstream", "CallsOfConversation"}
    for query in queries(written).values():
        assert unknown_fields(query, log_fields) == set()
        assert '"call.completed"' in query


def test_a_renamed_field_is_noticed(written: Template, log_fields: set[str]) -> None:
    assert unknown_fields(queries(written)["FirstTokenByModel"], log_fields - {"ttft_ms"}) == {"ttft_ms"}


def test_first_tokens_are_those_of_whole_answers(written: Template) -> None:
    assert f'status = "{Status.OK}"' in queries(written)["FirstTokenByModel"]
