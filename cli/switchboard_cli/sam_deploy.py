"""Runs `sam deploy`."""

import subprocess

from switchboard_cli.deployments import Deployment
from switchboard_cli.environments import Environment
from switchboard_cli.failure import CommandFailed

PROTECTION = "DeletionProtection"
"""The template's parameter. Off while the stack is created, so that a failed creation can remove its table again."""


def run_sam(settings: Environment, stack: str, where: Deployment, *, guided: bool, is_new: bool) -> None:
    """Deploy the stack, with SAM's output on the terminal. Raises CommandFailed."""
    words = command(settings, stack, where, guided=guided, is_new=is_new)
    try:
        ended = subprocess.run(words, check=False)  # noqa: S603 — no shell reads the words
    except FileNotFoundError as error:
        raise CommandFailed("There is no `sam` on PATH: use `make deploy`, which installs it.") from error
    if ended.returncode != 0:
        raise CommandFailed(f"`sam deploy` failed (exit code {ended.returncode}); its output above has the reason.")


def command(settings: Environment, stack: str, where: Deployment, *, guided: bool, is_new: bool) -> list[str]:
    """The words of the command. Parameters that it does not name keep their values, or get the template's defaults."""
    words = ["sam", "deploy", "--config-env", settings.name, "--stack-name", stack, "--region", where.region]
    words += ["--profile", where.profile] if where.profile else []
    words += ["--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset"]
    if guided:
        words.append("--guided")
    elif not settings.has_bucket:
        words.append("--resolve-s3")
    # SAM takes these in place of the environment's, so the environment's are repeated. The last one of a name counts.
    return [*words, "--parameter-overrides", *settings.overrides, f"{PROTECTION}={'Off' if is_new else 'On'}"]
