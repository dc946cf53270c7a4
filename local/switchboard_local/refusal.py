"""Why the local system does not start: one sentence for the person in front of it."""


class CannotStart(Exception):
    """Something outside stands in the way; the sentence says what, and what to do."""

    exit_code = 1


class Misused(CannotStart):
    """An argument or a setting is wrong."""

    exit_code = 2
