"""Notes of a call for its trace: distinct, each of bounded length, and of bounded number."""

from collections.abc import Iterable, Sequence

from switchboard.domain.limits import MAX_NOTE_CHARACTERS, MAX_NOTED_NAMES, MAX_NOTES, clipped

FURTHER = "and further notes"
"""In place of all notes beyond `MAX_NOTES`."""


def add_note(notes: list[str], note: str) -> None:
    """Add a note, unless it is there already."""
    note = clipped(note, MAX_NOTE_CHARACTERS)
    if len(notes) > MAX_NOTES or note in notes:
        return
    notes.append(note if len(notes) < MAX_NOTES else FURTHER)


def add_notes(notes: list[str], further: Iterable[str]) -> None:
    """Add each of the notes that is not there already."""
    for note in further:
        add_note(notes, note)


def note_names(notes: list[str], note: str, names: Sequence[str], rest: str) -> None:
    """Note each of the first names, in the note's `{}`; for all others there is `rest`, with their number."""
    for name in names[:MAX_NOTED_NAMES]:
        add_note(notes, note.format(clipped(name)))
    if len(names) > MAX_NOTED_NAMES:
        add_note(notes, rest.format(len(names) - MAX_NOTED_NAMES))
