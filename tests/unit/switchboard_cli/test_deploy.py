"""`switchboard deploy`, with a `sam` that writes down how it was called."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from switchboard_cli.deployments import Deployment, deployments
from testkit.cloud_account import CloudAccount

type Switchboard = Callable[..., Result]

REPOSITORY = Path(__file__).parents[3]
DONE = "CREATE_COMPLETE"
OFF = {"MemorySize": "1024", "DeletionProtection": "Off"}
ON = OFF | {"DeletionProtection": "On"}
SWITCHED_ON = {"MemorySize": None, "DeletionProtection": "On"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the command runs: the repository's samconfig.toml, and a `sam` on PATH."""
    shutil.copy(REPOSITORY / "samconfig.toml", tmp_path)
    sam = tmp_path / "sam"
    sam.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/words\n[ ! -f {tmp_path}/broken ]\n")
    sam.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> CloudAccount:
    """An account without the stack, in which its deployment succeeds."""
    made = CloudAccount("switchboard", [None, (DONE, OFF)], [SWITCHED_ON])
    monkeypatch.setattr("switchboard_cli.credentials.Session", made)
    return made


def words(folder: Path) -> str:
    return " ".join((folder / "words").read_text().split("\n")).strip()


def test_the_first_deployment_is_unprotected_and_its_table_protected_afterwards(
    switchboard: Switchboard, folder: Path, account: CloudAccount
) -> None:
    ended = switchboard("deploy", "--stack", "switchboard", "--region", "eu-central-1", stdin="")
    assert ended.exit_code == 0, ended.output
    assert words(folder) == (
        "deploy --config-env default --stack-name switchboard --region eu-central-1 --capabilities CAPABILITY_IAM"
        " --no-fail-on-empty-changeset --resolve-s3 --parameter-overrides DeletionProtection=Off"
    )
    assert (account.states, account.updates) == ([], [])
    assert "BaseUrl: https://x.example/prod/v1" in ended.stdout
    assert ended.stdout.endswith("keys create --stack switchboard\n")


def test_a_later_deployment_leaves_the_table_protected(
    switchboard: Switchboard, folder: Path, account: CloudAccount
) -> None:
    account.states, account.updates = [(DONE, ON), ("UPDATE_COMPLETE", ON)], []
    ended = switchboard("deploy", "--region", "eu-central-1")
    assert (ended.exit_code, "keys create" in ended.stdout) == (0, False)
    assert words(folder).endswith(" --parameter-overrides DeletionProtection=On")
    assert account.asked == ["sts", "cloudformation", "cloudformation"]


@pytest.mark.usefixtures("account")
def test_the_check_deploys_nothing(switchboard: Switchboard, folder: Path) -> None:
    ended = switchboard("deploy", "--region", "eu-central-1", "--check")
    said = (
        "Creates the stack switchboard in eu-central-1, account 123456789012, as arn:aws:iam::123456789012:user/ada.\n"
    )
    assert (ended.exit_code, ended.stdout) == (0, said)
    assert not (folder / "words").exists()
    assert deployments() == {}


def test_an_environment_has_its_own_stack_and_parameters(
    switchboard: Switchboard, folder: Path, account: CloudAccount
) -> None:
    account.stack = "switchboard-staging"
    assert switchboard("deploy", "--environment", "staging", "--region", "eu-central-1").exit_code == 0
    assert "--config-env staging --stack-name switchboard-staging " in words(folder)
    assert words(folder).endswith(" RetentionDays=7 LogRetentionDays=7 DeletionProtection=Off")


def test_region_and_profile_are_those_of_the_last_deployment(
    switchboard: Switchboard, folder: Path, account: CloudAccount
) -> None:
    assert switchboard("deploy", "--region", "eu-west-1", "--profile", "work").exit_code == 0
    assert deployments() == {"switchboard": Deployment("eu-west-1", "work")}
    account.states, account.region_name = [(DONE, ON), (DONE, ON)], None
    assert switchboard("deploy").exit_code == 0
    assert " --region eu-west-1 --profile work " in words(folder)


@pytest.mark.usefixtures("account")
def test_guided_lets_sam_ask_and_uses_what_it_stored(switchboard: Switchboard, folder: Path) -> None:
    answer = '[default.deploy.parameters]\nstack_name = "switchboard"\nregion = "eu-north-1"\n'
    with (folder / "sam").open("a") as sam:
        sam.write(f"printf '%s' '{answer}' > samconfig.toml\n")
    assert switchboard("deploy", "--guided").exit_code == 0
    assert " --region us-east-1 " in words(folder)
    assert " --guided --parameter-overrides DeletionProtection=Off" in words(folder)
    assert "--resolve-s3" not in words(folder)
    assert deployments() == {"switchboard": Deployment("eu-north-1")}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("ROLLBACK_COMPLETE", "delete-stack --stack-name switchboard --region eu-central-1"),
        ("UPDATE_IN_PROGRESS", "just being changed"),
    ],
)
def test_a_stack_that_cannot_be_updated_is_reported(
    status: str, said: str, switchboard: Switchboard, folder: Path, account: CloudAccount
) -> None:
    account.states = [(status, OFF)]
    ended = switchboard("deploy", "--region", "eu-central-1")
    assert (ended.exit_code, said in ended.stderr) == (1, True)
    assert not (folder / "words").exists()


def test_a_change_set_that_was_never_executed_is_no_stack(
    switchboard: Switchboard, folder: Path, account: CloudAccount
) -> None:
    account.states[0] = ("REVIEW_IN_PROGRESS", {})
    assert switchboard("deploy", "--region", "eu-central-1").exit_code == 0
    assert words(folder).endswith("DeletionProtection=Off")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--region", "eu-central-1", "--environment", "stagging"), "It has: default, staging, production."),
        ((), "No region given: make deploy REGION="),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_missing_is_said(
    options: tuple[str, ...], said: str, switchboard: Switchboard, account: CloudAccount
) -> None:
    ended = switchboard("deploy", *options)
    assert (ended.exit_code, said in ended.stderr, account.asked) == (1, True, [])


@pytest.mark.usefixtures("folder")
def test_refused_credentials_end_it_before_anything_else(switchboard: Switchboard, account: CloudAccount) -> None:
    account.refusal = ("ExpiredToken", "The security token included in the request is expired")
    ended = switchboard("deploy", "--region", "eu-central-1")
    said = "AWS refused the credentials: The security token included in the request is expired. Sign in again"
    assert (ended.exit_code, said in ended.stderr) == (1, True)
    assert account.asked == ["sts"]


def test_a_failed_deployment_is_not_remembered(switchboard: Switchboard, folder: Path, account: CloudAccount) -> None:
    (folder / "broken").touch()
    ended = switchboard("deploy", "--region", "eu-central-1")
    assert (ended.exit_code, "`sam deploy` failed" in ended.stderr) == (1, True)
    assert (deployments(), len(account.updates)) == ({}, 1)


def test_a_first_deployment_that_the_user_declined_is_not_remembered(
    switchboard: Switchboard, folder: Path, account: CloudAccount
) -> None:
    account.states[1] = ("REVIEW_IN_PROGRESS", OFF)
    ended = switchboard("deploy", "--region", "eu-central-1")
    assert (folder / "words").exists()
    assert (ended.exit_code, "was not deployed to eu-central-1" in ended.stderr) == (1, True)
    assert (deployments(), len(account.updates)) == ({}, 1)
