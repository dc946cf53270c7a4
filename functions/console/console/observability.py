"""The console's log: one line per failed request."""

import logging
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
    # Without the code location and the asyncio task's name, which Powertools would log as an extra field.
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]  # typeshed does not know it yet
    log: Log = Logger(service=SERVICE, location=None)
    return log
