"""`switchboard deploy`: deploy what `make build` has built. `make deploy` runs both."""

import os
from dataclasses import dataclass
from typing import Annotated

import boto3
import typer

from switchboard_cli.credentials import Caller, caller, session_of
from switchboard_cli.deployments import Deployment, deployments, has_credentials, record, region_in
from switchboard_cli.environments import DEFAULT, Environment, read_environment
from switchboard_cli.failure import CommandFailed, errors_reported
from switchboard_cli.sam_deploy import PROTECTION, run_sam
from switchboard_cli.stack import CloudFormation, Stack, find_stack, set_parameter

_LEFT_OVER = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
"""States that CloudFormation updates no stack in: the first deployment failed, or the deletion."""
_NEVER_MADE = "REVIEW_IN_PROGRESS"
"""The state of a stack whose first change set was not executed: it has no resources."""
_FIRST_REGION = "us-east-1"
"""What SAM proposes to someone who has configured no region."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stack is deployed to."""

    stack: str
    deployment: Deployment
    session: boto3.Session

    def cloudformation(self) -> CloudFormation:
        """A client for the place."""
        client: CloudFormation = self.session.client("cloudformation")
        return client


def deploy(
    *,
    stack: Annotated[str | None, typer.Option("--stack", help="The stack's name, if not the environment's.")] = None,
    region: Annotated[str | None, typer.Option("--region", help="The AWS region.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="The profile of your AWS configuration.")] = None,
    environment: Annotated[str, typer.Option("--environment", help="The environment of samconfig.toml.")] = DEFAULT,
    guided: Annotated[bool, typer.Option("--guided", help="Let SAM ask for every parameter.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Check credentials and stack only; deploy nothing.")] = False,
) -> None:
    """Deploy what `make build` has built, and ask nothing. Without a change nothing happens."""
    with errors_reported():
        settings = read_environment(environment)
        place = _place(settings, stack, region, profile, unknown_region=_FIRST_REGION if guided else None)
        who = caller(place.session)
        found = _updatable(find_stack(place.cloudformation(), place.stack), place)
        if check:
            typer.echo(_plan(place, found, who))
            return
        run_sam(settings, place.stack, place.deployment, guided=guided, is_new=found is None)
        answered = read_environment(environment)
        if guided and answered != settings:  # SAM stores the answers there
            place = _place(answered, None, None, profile)
        _finish(place)
        if found is None:
            typer.echo(f"Next, a key: .venv/bin/switchboard keys create --stack {place.stack}")


def _place(
    settings: Environment,
    stack: str | None,
    region: str | None,
    profile: str | None,
    unknown_region: str | None = None,
) -> Place:
    """What is given decides, then the environment of samconfig.toml, the process's, the last deployment of that
    stack, and AWS's configuration. Raises CommandFailed."""
    name = stack or settings.stack
    if name is None:
        raise CommandFailed(
            f"No stack given: make deploy STACK=name, or stack_name in [{settings.name}.deploy.parameters]."
        )
    last = deployments().get(name)
    chosen = profile or settings.profile
    if chosen is None and last is not None and not has_credentials(os.environ):
        chosen = last.profile
    chosen_region = region or settings.region or region_in(os.environ) or (last.region if last else None)
    session = session_of(chosen_region, chosen)
    if session.region_name is None and unknown_region is not None:
        session = session_of(unknown_region, chosen)
    if session.region_name is None:
        raise CommandFailed("No region given: make deploy REGION=eu-central-1, or set AWS_REGION.")
    return Place(name, Deployment(session.region_name, chosen or os.environ.get("AWS_PROFILE")), session)


def _updatable(found: Stack | None, place: Place) -> Stack | None:
    """The stack, or None if the deployment creates it. Raises CommandFailed if its state allows no deployment."""
    if found is None or found.status == _NEVER_MADE:
        return None
    if found.status in _LEFT_OVER:
        raise CommandFailed(
            f"The stack {found.name} is in the state {found.status} and cannot be updated. Delete it first:"
            f" aws cloudformation delete-stack --stack-name {found.name} --region {place.deployment.region}"
        )
    if found.status.endswith("_IN_PROGRESS"):
        raise CommandFailed(
            f"The stack {found.name} is just being changed ({found.status}): try again when it is done."
        )
    return found


def _plan(place: Place, found: Stack | None, who: Caller) -> str:
    verb = "Creates" if found is None else "Updates"
    return f"{verb} the stack {place.stack} in {place.deployment.region}, account {who.account}, as {who.arn}."


def _finish(place: Place) -> None:
    """After a deployment: remember it, protect the table, and say where the gateway is. Raises CommandFailed."""
    stack = find_stack(place.cloudformation(), place.stack)
    if stack is None or stack.status == _NEVER_MADE:
        raise CommandFailed(f"The stack {place.stack} was not deployed to {place.deployment.region}.")
    record(place.stack, place.deployment)
    if stack.parameters.get(PROTECTION) == "Off":
        typer.echo("Switching the table's deletion protection on.")
        set_parameter(place.cloudformation(), stack, PROTECTION, "On")
    for name in ("BaseUrl", "ConsoleUrl"):
        if name in stack.outputs:
            typer.echo(f"{name}: {stack.outputs[name]}")
