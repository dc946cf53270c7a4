"""What the functions may do: what they do, where they do it, and nothing else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

type Template = dict[str, Any]
type Translate = Callable[[Template], Template]

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(template: Template, role: str) -> Iterator[Template]:
    for policy in template["Resources"][role]["Properties"].get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def too_wide(template: Template) -> Iterator[str]:
    """Grants of any action or any resource, and policies from elsewhere."""
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


def test_no_function_may_do_anything_anywhere(translated: Template) -> None:
    assert list(too_wide(translated)) == []


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        ({"Action": "dynamodb:*"}, "GatewayRole: KeysAndTraces"),
        ({"Resource": "*"}, "GatewayRole: KeysAndTraces"),
    ],
)
def test_a_wide_grant_is_noticed(translated: Template, change: Template, noticed: str) -> None:
    next(statements(translated, "GatewayRole")).update(change)

    assert list(too_wide(translated)) == [noticed]


def test_a_role_of_sams_own_making_is_noticed(written: Template, translate: Translate) -> None:
    del written["Resources"]["ConsoleFunction"]["Properties"]["Role"]

    assert list(too_wide(translate(written))) == ["ConsoleFunctionRole: a managed policy"]


def test_the_gateway_reads_keys_and_writes_traces(translated: Template) -> None:
    assert actions(translated, "GatewayRole", "dynamodb") == {"GetItem", "PutItem"}


def test_the_console_only_reads(translated: Template) -> None:
    assert actions(translated, "ConsoleRole", "dynamodb") == {"GetItem", "BatchGetItem", "Query"}
    assert actions(translated, "ConsoleRole", "ssm") == set()


def test_provider_keys_are_read_under_the_stacks_path_alone(translated: Template) -> None:
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


@pytest.mark.parametrize("function", ["Gateway", "Console"])
def test_a_function_writes_its_own_log_group_alone(translated: Template, function: str) -> None:
    logs = next(statement for statement in statements(translated, f"{function}Role") if statement["Sid"] == "Logs")

    assert actions(translated, f"{function}Role", "logs") == {"CreateLogStream", "PutLogEvents"}
    assert logs["Resource"] == {"Fn::GetAtt": [f"{function}Logs", "Arn"]}
    config = translated["Resources"][f"{function}Function"]["Properties"]["LoggingConfig"]
    assert config["LogGroup"] == {"Ref": f"{function}Logs"}
