"""The reasons why the local system cannot start, each a sentence for the terminal."""


class CannotStart(Exception):
    """The system cannot start. The message names the cause and what to do."""

    exit_code = 1


class UsageError(CannotStart):
    """An argument or a setting is wrong."""

    exit_code = 2
