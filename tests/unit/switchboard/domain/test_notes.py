from switchboard.domain.limits import MAX_NAME_CHARACTERS, MAX_NOTE_CHARACTERS, MAX_NOTED_NAMES, MAX_NOTES, clipped
from switchboard.domain.notes import FURTHER, add_note, add_notes, note_names


def test_a_note_is_there_once() -> None:
    notes: list[str] = []
    add_notes(notes, ["b", "a", "b"])
    assert notes == ["b", "a"]


def test_a_long_note_is_clipped() -> None:
    notes: list[str] = []
    add_note(notes, "n" * 1_000_000)
    add_note(notes, "n" * 2_000_000)
    assert notes == [clipped("n" * 1000, MAX_NOTE_CHARACTERS)]
    assert len(notes[0]) == MAX_NOTE_CHARACTERS


def test_of_very_many_notes_the_first_are_kept() -> None:
    notes: list[str] = []
    add_notes(notes, (str(number) for number in range(10_000)))
    assert notes == [*(str(number) for number in range(MAX_NOTES)), FURTHER]


def test_of_very_many_names_the_first_are_noted_and_the_others_counted() -> None:
    notes: list[str] = []
    note_names(notes, "left out {}", ["{}", "k" * 1000, *map(str, range(20))], "left out {} more fields")
    assert notes[:2] == ["left out {}", "left out " + clipped("k" * 1000)]
    assert notes[MAX_NOTED_NAMES:] == [f"left out {22 - MAX_NOTED_NAMES} more fields"]


def test_clipped_text_has_the_length_of_the_bound() -> None:
    assert clipped("a" * MAX_NAME_CHARACTERS) == "a" * MAX_NAME_CHARACTERS
    assert clipped("a" * (MAX_NAME_CHARACTERS + 1)) == "a" * (MAX_NAME_CHARACTERS - 1) + "…"
