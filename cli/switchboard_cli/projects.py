"""Checks that a project that the user named exists."""

from switchboard_cli.failure import CommandFailed
from switchboard_cli.table_text import printable
from switchboard_cli.target import Target

_MOST_NAMED = 20
_MOST_CHARACTERS = 64


def check_project(where: Target, project: str) -> None:
    """Check that the table has the project. Raises CommandFailed with the projects that exist."""
    known = where.projects()
    if project in known:
        return
    if not known:
        raise CommandFailed("There is no project yet: `switchboard keys create` creates one with its first key.")
    named = ", ".join(map(_clipped, known[:_MOST_NAMED]))
    more = f" and {len(known) - _MOST_NAMED:,} more" if len(known) > _MOST_NAMED else ""
    raise CommandFailed(f'There is no project "{_clipped(project)}". There are: {named}{more}.')


def _clipped(name: str) -> str:
    text = printable(name)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
