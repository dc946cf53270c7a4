from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.domain.limits import MAX_ATTEMPTS, MAX_ROW_BYTES
from switchboard.domain.trace import Failure, Trace
from switchboard.store.item_size import item_bytes
from switchboard.store.traces import trace_items
from switchboard.store.traces.row_fit import LEFT_OUT
from testkit.samples import a_usual_attempt, a_usual_usage, an_open_trace

LARGE = 200_000


def stored(trace: Trace) -> Trace:
    """The trace as its row has it; the row fits."""
    row = trace_items.to_item(trace, 0)
    assert item_bytes(row) <= MAX_ROW_BYTES + 2000  # with its note
    return trace_items.from_item(row)


def test_a_row_that_fits_is_complete() -> None:
    trace = replace(an_open_trace(), metadata={"a": "x" * LARGE}, notes=("a note",))
    assert stored(trace) == trace


def test_the_largest_metadata_is_left_out_first_and_named() -> None:
    metadata = {"small": "1", "large": "x" * LARGE, "larger": "ä" * LARGE}
    found = stored(replace(an_open_trace(), metadata=metadata, notes=("a note",)))
    assert found.metadata == {"small": "1", "large": "x" * LARGE}
    assert found.notes == ("a note", "left out, since the row would not fit the table: metadata larger")


def test_long_names_of_metadata_are_clipped_in_the_note() -> None:
    found = stored(replace(an_open_trace(), metadata={f"{number}" + "k" * LARGE: "" for number in range(9)}))
    assert len(found.metadata) == 1
    assert len(found.notes[0]) < 1000


@pytest.mark.parametrize("kind", ["notes", "error", "failure"])
def test_any_text_may_be_what_is_too_large(kind: str) -> None:
    attempt = replace(a_usual_attempt(), error="x" * 2 * LARGE if kind == "error" else "refused")
    found = stored(
        replace(
            an_open_trace(),
            notes=("x" * 2 * LARGE,) if kind == "notes" else ("a note",),
            failure=Failure("code", "x" * 2 * LARGE if kind == "failure" else "why", 502),
            attempts=(attempt,),
            usage=a_usual_usage(),
        )
    )
    assert found.usage == a_usual_usage()
    assert found.failure == Failure("code", LEFT_OUT if kind == "failure" else "why", 502)
    assert found.attempts == (replace(attempt, error=LEFT_OUT if kind == "error" else "refused"),)
    words = {"notes": "the other notes", "error": "the error of attempt 1", "failure": "the error"}[kind]
    assert found.notes[-1] == f"left out, since the row would not fit the table: {words}"


sizes = st.integers(0, 450_000)


@settings(max_examples=30, deadline=None)
@given(
    metadata=st.lists(st.tuples(sizes, sizes), max_size=4),
    notes=st.lists(sizes, max_size=4),
    errors=st.lists(sizes, max_size=MAX_ATTEMPTS),
    failure=st.none() | sizes,
    letter=st.sampled_from("xä予🙂\ud800"),
)
def test_every_row_fits_and_keeps_its_usage(
    metadata: list[tuple[int, int]], notes: list[int], errors: list[int], failure: int | None, letter: str
) -> None:
    given_texts: dict[str, Any] = {
        "metadata": {f"{place}{letter * name}": letter * text for place, (name, text) in enumerate(metadata)},
        "notes": tuple(letter * note for note in notes),
        "failure": None if failure is None else Failure("code", letter * failure, 502),
        "attempts": tuple(replace(a_usual_attempt(), error=letter * error) for error in errors),
    }
    found = stored(replace(an_open_trace(), usage=a_usual_usage(), **given_texts))
    assert found.usage == a_usual_usage()
    assert len(found.attempts) == len(errors)
