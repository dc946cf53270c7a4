"""`switchboard provider-keys`: store provider keys for a deployed stack."""

import re
import sys
from typing import Annotated

import boto3
import typer

from switchboard_cli.deployments import use_deployment
from switchboard_cli.failure import CommandFailed, errors_reported
from switchboard_cli.stack import output

app = typer.Typer(help="Providers' keys, encrypted in Parameter Store.", no_args_is_help=True)

MAX_CHARACTERS = 4096
"""Parameter Store's limit for a standard parameter."""


@app.callback()
def group() -> None:
    """Providers' keys, encrypted in Parameter Store."""


@app.command()
def put(
    name: Annotated[str, typer.Argument(help="The provider: openai, anthropic, google, …")],
    *,
    stack: Annotated[str, typer.Option("--stack", help="The name of the deployed stack.")],
) -> None:
    """Store a provider's key, replacing an older one. It is prompted for or read from stdin, and never an argument."""
    with errors_reported():
        if not re.fullmatch(r"[a-z]{1,32}", name):
            raise CommandFailed(f"{name!r} is not a provider's name: use lower-case letters, such as openai.")
        use_deployment(stack)
        path = output(boto3.client("cloudformation"), stack, "ProviderKeysPath").rstrip("/")
        parameter = f"{path}/{name}"
        boto3.client("ssm").put_parameter(Name=parameter, Value=_value(name), Type="SecureString", Overwrite=True)
        typer.echo(f"Stored in {parameter}. Running gateways use it within five minutes.")


def _value(name: str) -> str:
    """The key, from a hidden prompt or from stdin. Arguments are visible to all users of the machine."""
    text = typer.prompt(f"Key for {name}", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    value = str(text).strip()
    if not value or len(value) > MAX_CHARACTERS or not value.isprintable():
        raise CommandFailed(f"Invalid key: it must be one line of 1 to {MAX_CHARACTERS} characters.")
    return value
