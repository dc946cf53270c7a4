"""Makes a trace's row fit the table: a row that is too large is written without what makes it large, and says so.

What may go are texts that a caller or a provider chose: metadata, notes, the errors of attempts and of the call. The
call's identity, its tokens and its attempts always stay, so that every call has its trace and its cost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from switchboard.domain.limits import MAX_NOTED_NAMES, MAX_ROW_BYTES, clipped
from switchboard.store.item_size import item_bytes, value_bytes

LEFT_OUT = "[left out: the row would not fit the table]"

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a row that may go: the object that holds it, under which name, and how the note names it."""

    holder: Row
    name: str
    words: str
    is_entry: bool = False

    @property
    def bytes(self) -> int:
        return value_bytes(self.name) + value_bytes(self.holder[self.name])

    def leave_out(self) -> None:
        """Delete an entry; replace a text, since readers need one there."""
        if self.is_entry:
            del self.holder[self.name]
        else:
            self.holder[self.name] = LEFT_OUT


def fit(row: Row) -> None:
    """Leave out the row's largest parts, largest first, until it fits; a note then names them."""
    if item_bytes(row) <= MAX_ROW_BYTES:  # nearly every row
        return
    gone: list[_Part] = []
    for part in sorted(_parts(row), key=lambda part: part.bytes, reverse=True):
        if item_bytes(row) <= MAX_ROW_BYTES:
            break
        part.leave_out()
        gone.append(part)
    if gone:
        row["notes"] = [*(row.get("notes") or ()), _note(gone)]


def _parts(row: Row) -> Iterable[_Part]:
    metadata: Row = row.get("metadata") or {}
    for name in metadata:
        yield _Part(metadata, name, f"metadata {clipped(name)}", is_entry=True)
    if row.get("notes"):
        yield _Part(row, "notes", "the other notes", is_entry=True)
    for number, attempt in enumerate(row.get("attempts") or (), 1):
        if attempt.get("error"):
            yield _Part(attempt, "error", f"the error of attempt {number}")
    if failure := row.get("failure"):
        yield _Part(failure, "message", "the error")


def _note(gone: list[_Part]) -> str:
    words = [part.words for part in gone]
    if len(words) > MAX_NOTED_NAMES:
        words[MAX_NOTED_NAMES:] = [f"{len(words) - MAX_NOTED_NAMES} more"]
    return f"left out, since the row would not fit the table: {', '.join(words)}"
