"""Where each stack was deployed to last from this machine: the defaults of region and profile."""

import json
import os
from collections.abc import Mapping, MutableMapping
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
CREDENTIAL_VARIABLES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A region, and the profile of `~/.aws/config` whose credentials were used; None if it was none in particular."""

    region: str
    profile: str | None = None


def deployments() -> dict[str, Deployment]:
    """The last deployment of each stack, by the stack's name. Empty if the file is missing or damaged."""
    try:
        return {stack: Deployment(**entry) for stack, entry in json.loads(_file().read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def record(stack: str, deployment: Deployment) -> None:
    """Remember where the stack was deployed to."""
    known = deployments() | {stack: deployment}
    _file().parent.mkdir(parents=True, exist_ok=True)
    _file().write_text(json.dumps({name: asdict(entry) for name, entry in known.items()}, indent=2) + "\n")


def use_deployment(stack: str, environment: MutableMapping[str, str] = os.environ) -> None:
    """Let this process's AWS clients use the region and profile of the stack's last deployment, as far as the
    environment names no others. AWS_REGION counts as in AWS's own command line; botocore does not read it."""
    found = deployments().get(stack)
    if region := region_in(environment) or (found and found.region):
        environment["AWS_DEFAULT_REGION"] = region
    if found and found.profile and not has_credentials(environment):
        environment["AWS_PROFILE"] = found.profile


def region_in(environment: Mapping[str, str]) -> str | None:
    """The region that the environment names, if any."""
    return next((environment[name] for name in REGION_VARIABLES if environment.get(name)), None)


def has_credentials(environment: Mapping[str, str]) -> bool:
    """Whether the environment names a profile, or has an access key."""
    return any(environment.get(name) for name in CREDENTIAL_VARIABLES)


def _file() -> Path:
    return Path(typer.get_app_dir("switchboard")) / "deployments.json"
