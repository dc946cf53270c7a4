"""The reasons why the local system cannot start, each a sentence for the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager


class CannotStart(Exception):
    """The system cannot start. The message names the cause and what to do."""

    exit_code = 1


class UsageError(CannotStart):
    """An argument or a setting is wrong."""

    exit_code = 2


@contextmanager
def refused_as(what: str) -> Iterator[None]:
    """Turn an OSError of the block into CannotStart, whose message is `what` and the operating system's reason."""
    try:
        yield
    except OSError as error:
        place = "" if error.filename is None or str(error.filename) in what else f"{error.filename}: "
        raise CannotStart(f"{what}: {place}{error.strerror or error}.") from error
