"""What operators see: one line per request that failed."""

from collections.abc import Mapping
from typing import Protocol

from aws_lambda_powertools import Logger

SERVICE = "console"


class Log(Protocol):
    """A structured logger: a named event with fields."""

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write one line."""

    def error(self, msg: object, *, extra: Mapping[str, object], exc_info: BaseException | None = None) -> None:
        """Write one line, with the exception's stack where one is given."""


def logger() -> Log:
    """Log lines as JSON on stdout."""
    # Without the code's place and the task's name: both are the same on every line.
    log: Log = Logger(service=SERVICE, location=None, taskName=None)
    return log
