"""Trace ⇄ a row in a log line: `from_line(to_line(trace).row) == trace`, for traces that the table did not take.

The row in the line has what the row in the table has (docs/logs.md), by the fields' full names.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from switchboard.domain.limits import MAX_UNWRITTEN_LINE_BYTES
from switchboard.domain.trace import Trace
from switchboard.store.traces import trace_documents

_HEAD_BYTES = 4_000
"""The other fields of the line: the reason, the project, level, event, time and service."""

_CUT_FIRST = ("metadata", "notes", "failure", "attempts")
"""What is left out of a row that is too large. Attempts come last, since some have tokens that are billed."""


@dataclass(frozen=True, slots=True)
class TraceLine:
    """A trace as a JSON object, and the names of what was left out because it was too large."""

    row: Mapping[str, Any]
    cut: tuple[str, ...] = ()


def to_line(trace: Trace) -> TraceLine:
    """The trace as a JSON object that fits a line of MAX_UNWRITTEN_LINE_BYTES."""
    row = {name: _plain(value) for name, value in trace_documents.to_document(trace).items()}
    cut = []
    for name in sorted(_CUT_FIRST, key=lambda name: (name == "attempts", -_size(row.get(name)))):
        if _size(row) <= MAX_UNWRITTEN_LINE_BYTES - _HEAD_BYTES:
            break
        if row.pop(name, None) is not None:
            cut.append(name)
    return TraceLine(row, tuple(cut))


def from_line(row: Mapping[str, Any]) -> Trace:
    """The trace of the `row` of a log line. Raises KeyError or ValueError if it is not a trace."""
    return trace_documents.from_document(row)


def _size(value: object) -> int:
    # With every character that is not ASCII escaped: at least as long as the line, whoever writes it.
    return len(json.dumps(value))


def _plain(value: object) -> Any:  # noqa: ANN401 - any JSON
    """The value as JSON; half a surrogate pair, which a line cannot hold, becomes a question mark."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case Mapping():
            return {_plain(name): _plain(inner) for name, inner in value.items() if inner is not None}
        case Sequence():
            return [_plain(inner) for inner in value]
        case _:
            return value
