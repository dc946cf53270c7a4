"""The defaults of region and profile: those of the stack's last deployment."""

import os
from pathlib import Path

import pytest

from switchboard_cli.deployments import Deployment, deployments, record, use_deployment
from switchboard_cli.target import Target, target
from testkit.cloud import stack_with

type Variables = dict[str, str]


@pytest.mark.parametrize(
    ("environment", "added"),
    [
        ({}, {"AWS_DEFAULT_REGION": "eu-central-1", "AWS_PROFILE": "work"}),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, {"AWS_PROFILE": "work"}),
        ({"AWS_REGION": "us-east-1"}, {"AWS_DEFAULT_REGION": "us-east-1", "AWS_PROFILE": "work"}),
        ({"AWS_PROFILE": "other"}, {"AWS_DEFAULT_REGION": "eu-central-1"}),
        ({"AWS_ACCESS_KEY_ID": "AKIA"}, {"AWS_DEFAULT_REGION": "eu-central-1"}),
    ],
)
def test_the_environment_outranks_the_last_deployment(environment: Variables, added: Variables) -> None:
    record("voice", Deployment("eu-central-1", "work"))
    used = dict(environment)
    use_deployment("voice", used)
    assert used == environment | added


def test_another_stack_has_no_defaults() -> None:
    record("voice", Deployment("eu-central-1", "work"))
    used: Variables = {}
    use_deployment("other", used)
    assert used == {}


def test_each_stack_has_its_last_deployment() -> None:
    for stack, region in [("voice", "eu-central-1"), ("other", "us-east-1"), ("voice", "eu-north-1")]:
        record(stack, Deployment(region))
    assert deployments() == {"voice": Deployment("eu-north-1"), "other": Deployment("us-east-1")}


@pytest.mark.parametrize("damaged", ["", "[]", '{"voice": 1}', '{"voice": {"zone": "x"}}'])
def test_a_damaged_file_counts_as_none(damaged: str, configuration: Path) -> None:
    file = configuration / "switchboard" / "deployments.json"
    file.parent.mkdir(parents=True)
    file.write_text(damaged)
    assert deployments() == {}
    record("voice", Deployment("eu-central-1"))
    assert deployments() == {"voice": Deployment("eu-central-1")}


def test_commands_look_where_the_stack_was_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard_cli.target.boto3.client", stack_with("voice", {"TableName": "voice-Table-1"}))
    record("voice", Deployment("eu-north-1"))
    assert target("voice", None, None, None) == Target("voice-Table-1")
    assert os.environ["AWS_DEFAULT_REGION"] == "eu-north-1"
