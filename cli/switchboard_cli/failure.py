"""Errors as sentences."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from botocore.exceptions import BotoCoreError, ClientError

from switchboard.store.ports import StoreUnavailable


class CommandFailed(Exception):
    """The command cannot do what it was asked; the sentence says why."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """Ends the command with a sentence on stderr and exit code 1 where it fails for a reason outside of it."""
    try:
        yield
    except (CommandFailed, StoreUnavailable, BotoCoreError, ClientError) as failed:
        print(_sentence(failed), file=sys.stderr)
        raise typer.Exit(1) from failed


def _sentence(failed: Exception) -> str:
    match failed:
        case StoreUnavailable():
            return f"The table does not answer, or says no: {failed}"
        case BotoCoreError() | ClientError():
            return f"AWS says no: {failed}"
        case _:
            return str(failed)
