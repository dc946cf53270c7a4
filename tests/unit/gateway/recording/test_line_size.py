import json

import pytest

from gateway.recording.line_size import fitted
from switchboard.domain.limits import MAX_LINE_BYTES


def test_a_usual_line_stays_as_it_is() -> None:
    fields: dict[str, object] = {"trace_id": "t", "notes": ["left out max_tokens"], "error": None}
    assert fitted(fields) == {**fields, "cut": None}


@pytest.mark.parametrize(
    "value",
    ["x" * 100_000, "寿" * 30_000, ["y" * 500] * 64, [{"model": "\x00" * 512}] * 50, ["z" * 100_000]],
    ids=["text", "not ascii", "list", "objects", "one entry"],
)
def test_the_longest_field_is_shortened_and_named(value: object) -> None:
    line = fitted({"trace_id": "t", "notes": value, "error_message": "short"})
    assert len(json.dumps(line)) < MAX_LINE_BYTES
    assert (line["cut"], line["trace_id"], line["error_message"]) == (["notes"], "t", "short")


def test_several_long_fields_share_the_line() -> None:
    line = fitted({"trace_id": "t", "notes": ["n" * 500] * 64, "error_message": "e" * 40_000})
    assert len(json.dumps(line)) < MAX_LINE_BYTES
    assert set(line["cut"] or ()) == {"notes", "error_message"}  # type: ignore[call-overload]
    assert str(line["error_message"]).startswith("eee")
