"""Reports errors as sentences on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from botocore.exceptions import BotoCoreError, ClientError

from switchboard.store.ports import StoreUnavailable


class CommandFailed(Exception):
    """The command failed; the message is a sentence that says why."""


@contextmanager
def errors_reported() -> Iterator[None]:
    """Turns expected errors into a sentence on stderr and exit code 1."""
    try:
        yield
    except (CommandFailed, StoreUnavailable, BotoCoreError, ClientError) as failed:
        print(_sentence(failed), file=sys.stderr)
        raise typer.Exit(1) from failed


def _sentence(failed: Exception) -> str:
    match failed:
        case StoreUnavailable():
            return f"The table is unavailable, or rejected the request: {failed}"
        case BotoCoreError() | ClientError():
            return f"AWS reported an error: {failed}"
        case _:
            return str(failed)
