"""`switchboard provider-keys`: store the keys of providers in the deployed stack."""

import re
import sys
from typing import Annotated

import boto3
import typer

from switchboard_cli.failure import CommandFailed, told_plainly
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
    stack: Annotated[str, typer.Option("--stack", help="The deployed stack, by its name.")],
) -> None:
    """Store a provider's key, in place of an older one. It is asked for, or read from stdin; never an argument."""
    with told_plainly():
        if not re.fullmatch(r"[a-z]{1,32}", name):
            raise CommandFailed(f"{name!r} is no provider's name: it is written in small letters, like openai.")
        path = output(boto3.client("cloudformation"), stack, "ProviderKeysPath").rstrip("/")
        parameter = f"{path}/{name}"
        boto3.client("ssm").put_parameter(Name=parameter, Value=_value(name), Type="SecureString", Overwrite=True)
        typer.echo(f"Stored in {parameter}. Gateways that run use it within five minutes.")


def _value(name: str) -> str:
    """The key, from a hidden prompt or from what is piped in. Arguments can be read by everyone on the machine."""
    text = typer.prompt(f"Key for {name}", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    value = str(text).strip()
    if not value or len(value) > MAX_CHARACTERS or not value.isprintable():
        raise CommandFailed(f"That is no key: it must be one line of 1 to {MAX_CHARACTERS} characters.")
    return value
