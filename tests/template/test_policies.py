"""The functions' IAM roles: least privilege."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.pricing import settled
from switchboard.domain.trace import Bodies, Status
from switchboard.store import keyspace
from switchboard.store.audit.audit_store import DynamoAudit
from switchboard.store.audit.audit_sums import DaySums
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.ledger import DynamoLedger
from testkit.samples import NOON, a_key, a_usual_usage, an_open_trace, one_price
from testkit.stream_events import SCHEDULED_EVENT, Seen, an_aggregator, connect_once, stream_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Template = dict[str, Any]
type Translate = Callable[[Template], Template]

FOLLOWS_A_STREAM = {"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(template: Template, role: str) -> Iterator[Template]:
    for policy in template["Resources"][role]["Properties"].get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def too_wide(template: Template) -> Iterator[str]:
    """Grants of any action or any resource, and managed policies."""
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        if resource["Properties"].get("ManagedPolicyArns"):
            yield f"{name}: a managed policy"
        for statement in statements(template, name):
            wide_actions = [action for action in listed(statement["Action"]) if "*" in action]
            if wide_actions or "*" in listed(statement["Resource"]) or statement["Effect"] != "Allow":
                yield f"{name}: {statement['Sid']}"


def actions(template: Template, role: str, service: str) -> set[str]:
    """What the role may do with a service."""
    granted = [action for statement in statements(template, role) for action in listed(statement["Action"])]
    return {action.removeprefix(f"{service}:") for action in granted if action.startswith(f"{service}:")}


def test_no_role_grants_any_action_on_any_resource(translated: Template) -> None:
    assert list(too_wide(translated)) == []


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        ({"Action": "dynamodb:*"}, "GatewayRole: KeysAndTraces"),
        ({"Resource": "*"}, "GatewayRole: KeysAndTraces"),
    ],
)
def test_a_wide_grant_is_detected(translated: Template, change: Template, noticed: str) -> None:
    next(statements(translated, "GatewayRole")).update(change)

    assert list(too_wide(translated)) == [noticed]


def test_a_role_generated_by_sam_is_detected(written: Template, translate: Translate) -> None:
    del written["Resources"]["ConsoleFunction"]["Properties"]["Role"]

    assert list(too_wide(translate(written))) == ["ConsoleFunctionRole: a managed policy"]


def test_the_gateway_reads_keys_and_writes_traces(translated: Template) -> None:
    grants = {statement["Sid"]: statement for statement in statements(translated, "GatewayRole")}

    assert listed(grants["KeysAndTraces"]["Action"]) == ["dynamodb:GetItem", "dynamodb:PutItem"]


@pytest.mark.parametrize(
    ("function", "may"),
    [("Gateway", ["dynamodb:Query"]), ("Console", ["dynamodb:PutItem", "dynamodb:DeleteItem"])],
)
def test_policy_grants_are_limited_to_policy_partitions(translated: Template, function: str, may: list[str]) -> None:
    grants = {statement["Sid"]: statement for statement in statements(translated, f"{function}Role")}
    policies = grants["Policies"]

    assert listed(policies["Action"]) == may
    assert policies["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}
    assert policies["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}
    (pattern,) = listed(policies["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
    places = partitions("a#b", "booking")
    assert [place for place in places if fnmatchcase(place, pattern)] == [keyspace.policies_of_project("a#b")]


def test_the_consoles_price_grants_are_limited_to_projects_own_prices(translated: Template) -> None:
    prices = {statement["Sid"]: statement for statement in statements(translated, "ConsoleRole")}["Prices"]

    assert listed(prices["Action"]) == ["dynamodb:PutItem", "dynamodb:DeleteItem"]
    assert prices["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}
    assert prices["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}
    (pattern,) = listed(prices["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
    places = partitions("a#b", "booking")
    assert [place for place in places if fnmatchcase(place, pattern)] == [keyspace.prices_of_project("a#b")]


def test_the_gateway_only_updates_turns(translated: Template) -> None:
    grants = {statement["Sid"]: statement for statement in statements(translated, "GatewayRole")}
    turns = grants["Turns"]

    assert set(grants) == {"KeysAndTraces", "Policies", "Turns", "ProviderKeys", "ProviderKeysDecrypted", "Logs"}
    assert listed(turns["Action"]) == ["dynamodb:UpdateItem"]
    assert turns["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}
    assert turns["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}
    (pattern,) = listed(turns["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
    places = partitions("TURNS", "TURNS")
    assert [place for place in places if fnmatchcase(place, pattern)] == [keyspace.turn("TURNS", "0f").pk]


def partitions(project: str, task_id: str) -> list[str]:
    """A partition key of each kind."""
    trace_id = an_open_trace().trace_id
    return [
        keyspace.PROJECTS,
        keyspace.gateway_key(a_key().digest).pk,
        keyspace.trace(project, trace_id).pk,
        keyspace.body(project, trace_id).pk,
        keyspace.blob_mark(project, a_key().digest).pk,
        keyspace.policies_of_project(project),
        keyspace.turn(project, "0f").pk,
        keyspace.task_totals(project, task_id, 0).pk,
        keyspace.hour_totals(project, task_id, NOON, 0).pk,
        keyspace.rate_card("openai", "gpt-4o", NOON).pk,
        keyspace.book_mark().pk,
        keyspace.prices_of_project(project),
        keyspace.unpriced_models_of_project(project),
        keyspace.unpriced_call(project, "openai", "gpt-4o", trace_id).pk,
    ]


def test_the_aggregator_follows_the_stream_and_writes_costs_and_totals(translated: Template) -> None:
    grants = {statement["Sid"]: statement for statement in statements(translated, "CostAggregatorRole")}

    assert set(grants) == {"Stream", "TracesAndTotals", "Poison", "Logs"}
    assert grants["Stream"]["Resource"] == {"Fn::Sub": "${Table.Arn}/stream/*"}
    assert {action.removeprefix("dynamodb:") for action in grants["Stream"]["Action"]} == FOLLOWS_A_STREAM
    assert grants["TracesAndTotals"]["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}


def _begin_audit(client: "DynamoDBClient", table: str) -> None:
    """The day before yesterday has a settled call, and an audit that has not ended."""
    day = NOON.date() - timedelta(days=2)
    DynamoAudit(client, table, lambda: NOON).save("acme", day, DaySums())
    key = keyspace.project("acme")
    client.update_item(
        TableName=table,
        Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
        UpdateExpression="SET dimensions_since = :day",
        ExpressionAttributeValues={":day": {"S": day.isoformat()}},
    )
    call = replace(an_open_trace(started_at=NOON - timedelta(days=2)), status=Status.OK)
    DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON).complete_trace(call, Bodies())
    DynamoLedger(client, table, random=Random(1)).settle([settled(call, one_price(None), NOON)])


def test_the_aggregators_grants_match_its_requests(translated: Template, dynamodb_endpoint: str, table: str) -> None:
    client = connect_once(dynamodb_endpoint)
    store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
    store.put_key(a_key())
    finished = replace(an_open_trace(), status=Status.OK, usage=a_usual_usage())
    store.complete_trace(finished, Bodies())
    store.open_trace(an_open_trace(started_at=NOON - timedelta(hours=1)))
    _begin_audit(client, table)
    done: set[str] = set()
    # A transaction is granted by what it holds.
    client.meta.events.register(
        "before-parameter-build.dynamodb",
        lambda params, model, **_: done.update(
            {f"{kind}Item" for item in params["TransactItems"] for kind in item}
            if model.name == "TransactWriteItems"
            else {model.name}
        ),
    )
    aggregator = an_aggregator(client, table, Seen())

    aggregator.handle(stream_event([finished]), lambda: 60_000)
    aggregator.handle(SCHEDULED_EVENT, lambda: 60_000)

    assert actions(translated, "CostAggregatorRole", "dynamodb") - FOLLOWS_A_STREAM == done


def test_the_aggregator_only_sends_to_its_queue(translated: Template) -> None:
    grants = {statement["Sid"]: statement for statement in statements(translated, "CostAggregatorRole")}

    assert actions(translated, "CostAggregatorRole", "sqs") == {"SendMessage"}
    assert grants["Poison"]["Resource"] == {"Fn::GetAtt": ["PoisonQueue", "Arn"]}


def test_the_console_writes_policies_and_prices_and_reads_the_rest(translated: Template) -> None:
    grants = {statement["Sid"]: statement for statement in statements(translated, "ConsoleRole")}

    assert set(grants) == {"KeysAndTraces", "Policies", "Prices", "Logs"}
    assert grants["KeysAndTraces"]["Action"] == ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"]
    assert actions(translated, "ConsoleRole", "ssm") == set()


def test_provider_keys_are_only_read_under_the_stacks_path(translated: Template) -> None:
    grants = {statement["Sid"]: statement for statement in statements(translated, "GatewayRole")}
    path = translated["Outputs"]["ProviderKeysPath"]["Value"]["Fn::Sub"]
    read = grants["ProviderKeys"]

    assert listed(read["Action"]) == ["ssm:GetParameter"]
    assert read["Resource"]["Fn::Sub"].endswith(f":parameter{path}/*")
    decrypted = grants["ProviderKeysDecrypted"]["Condition"]
    assert decrypted["StringEquals"]["kms:ViaService"]["Fn::Sub"].startswith("ssm.")
    assert decrypted["StringLike"]["kms:EncryptionContext:PARAMETER_ARN"] == read["Resource"]
    variables = translated["Resources"]["GatewayFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["PROVIDER_KEYS_PATH"]["Fn::Sub"] == path


@pytest.mark.parametrize("function", ["Gateway", "CostAggregator", "Console"])
def test_a_function_only_writes_its_own_log_group(translated: Template, function: str) -> None:
    logs = next(statement for statement in statements(translated, f"{function}Role") if statement["Sid"] == "Logs")

    assert actions(translated, f"{function}Role", "logs") == {"CreateLogStream", "PutLogEvents"}
    assert logs["Resource"] == {"Fn::GetAtt": [f"{function}Logs", "Arn"]}
    config = translated["Resources"][f"{function}Function"]["Properties"]["LoggingConfig"]
    assert config["LogGroup"] == {"Ref": f"{function}Logs"}
