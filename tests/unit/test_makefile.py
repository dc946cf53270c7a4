"""What the Makefile would run, as `make --dry-run` prints it."""

import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def printed(*words: str, **variables: str) -> str:
    """The recipes of the target and of everything that it needs, on a machine on which nothing is installed yet."""
    command = ["make", "--dry-run", "--always-make", *words]
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(("target", "needs_node"), [("build", False), ("deploy", False), ("setup", True)])
def test_deploying_needs_no_node(target: str, needs_node: bool) -> None:
    assert ("npm ci" in printed(target)) is needs_node


def test_a_deployment_is_checked_before_it_is_built() -> None:
    recipe = printed("deploy", "STACK=voice", "REGION=eu-west-1", "PROFILE=work", "ENVIRONMENT=staging", "GUIDED=1")
    options = '--stack "voice" --region "eu-west-1" --profile "work" --environment "staging" --guided'
    check, build, deploy = (recipe.index(text) for text in (f"{options} --check", "sam build", f"{options}\n"))
    assert check < build < deploy
    assert 'sam build --cached --parallel --config-env "staging"' in recipe


def test_variables_of_the_environment_do_not_choose_where_to_deploy() -> None:
    recipe = printed("deploy", STACK="x", REGION="x", PROFILE="x", ENVIRONMENT="x", GUIDED="1")
    assert [line.split() for line in recipe.splitlines() if line.startswith("switchboard")] == [
        ["switchboard", "deploy", "--check"],
        ["switchboard", "deploy"],
    ]
