"""What an operator sees: parameters, outputs, and retention."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from switchboard_cli.sam_deploy import PROTECTION

type Template = dict[str, Any]
type Translate = Callable[[Template], Template]


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
        ("SearchMetadata", "conversation-id,tenant_id", True),
        ("SearchMetadata", "a b", False),
        ("WebAclArn", "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/voice/1a2b", True),
        ("WebAclArn", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/voice/1a2b", False),
        ("DynamoDbEndpoint", "http://host.docker.internal:8001", True),
        ("DynamoDbEndpoint", "8001", False),
    ],
)
def test_parameter_values_are_validated_by_cloudformation(
    written: Template, parameter: str, value: str, is_allowed: bool
) -> None:
    pattern = written["Parameters"][parameter]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, value)) is is_allowed


def test_outputs_have_the_urls_of_the_gateway_and_the_console(written: Template) -> None:
    outputs = {name: output["Value"] for name, output in written["Outputs"].items()}

    assert outputs["BaseUrl"]["Fn::Sub"].endswith("/prod/v1")
    assert outputs["ConsoleUrl"]["Fn::Sub"].endswith("/prod/console")
    assert outputs["TableName"] == {"Ref": "Table"}
    assert outputs["PoisonQueueUrl"] == {"Ref": "PoisonQueue"}


def test_the_poison_queue_has_the_maximum_retention(written: Template) -> None:
    queue = written["Resources"]["PoisonQueue"]["Properties"]

    assert queue["MessageRetentionPeriod"] == timedelta(days=14) / timedelta(seconds=1)
    assert queue["SqsManagedSseEnabled"] is True


def test_the_table_is_retained_and_has_backups(written: Template) -> None:
    table = written["Resources"]["Table"]

    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["Properties"]["SSESpecification"]["SSEEnabled"] is True
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["Properties"]["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


def test_the_table_is_protected_only_after_the_stack_was_created(written: Template) -> None:
    """Else a failed creation could not remove it, and the stack would be stuck."""
    table = written["Resources"]["Table"]["Properties"]
    parameter = written["Parameters"][PROTECTION]

    assert table["DeletionProtectionEnabled"] == {"Fn::If": ["ProtectsTable", True, False]}
    assert written["Conditions"]["ProtectsTable"] == {"Fn::Equals": [{"Ref": PROTECTION}, "On"]}
    assert (parameter["Default"], parameter["AllowedValues"]) == ("Off", ["On", "Off"])


def test_a_guided_deployment_does_not_ask_about_authentication(written: Template, translate: Translate) -> None:
    """SAM looks for any Auth at the API; this one changes nothing of what is deployed."""
    with_auth = translate(written)
    assert written["Resources"]["Api"]["Properties"].pop("Auth")
    assert translate(written) == with_auth


def test_logs_expire(written: Template) -> None:
    groups = [r["Properties"] for r in written["Resources"].values() if r["Type"] == "AWS::Logs::LogGroup"]

    assert [group["RetentionInDays"] for group in groups] == [{"Ref": "LogRetentionDays"}] * 3
