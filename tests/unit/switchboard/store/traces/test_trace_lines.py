import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.trace import Failure, Status, Trace
from switchboard.store.traces.trace_lines import from_line, to_line
from testkit.samples import a_lost_hedge, a_usual_attempt, a_usual_usage, an_open_trace

FINISHED = replace(
    an_open_trace(),
    status=Status.OK,
    ttft_ms=412.25,
    duration_ms=1840.501,
    usage=a_usual_usage(),
    finish_reason="stop",
    attempts=(a_lost_hedge(), a_usual_attempt()),
    notes=("left out max_tokens",),
    has_bodies=True,
)


def read_back(trace: Trace) -> Trace:
    return from_line(json.loads(json.dumps(to_line(trace).row)))


def test_a_trace_is_restored_from_its_line() -> None:
    failed = replace(FINISHED, status=Status.TRUNCATED, failure=Failure("upstream_cut", "Cut off.", 502))
    for trace in (an_open_trace(), FINISHED, failed):
        assert read_back(trace) == trace
        assert to_line(trace).cut == ()


def test_the_row_has_no_key_of_the_table() -> None:
    row = to_line(FINISHED).row
    assert row["trace_id"] == FINISHED.trace_id
    assert not {"pk", "sk", "gsi1pk", "gsi1sk", "expires_at"} & row.keys()


def test_a_call_without_metadata_has_none_in_its_line() -> None:
    line = to_line(replace(FINISHED, metadata={}, is_zero_retention=True, has_bodies=False))
    assert "metadata" not in line.row
    assert line.row["is_zero_retention"] is True


@given(st.text(alphabet=st.characters(codec=None), max_size=9))
def test_any_text_fits_a_line_in_utf_8(text: str) -> None:
    row = to_line(replace(FINISHED, metadata={"name": text}, notes=(text,))).row
    json.dumps(row, ensure_ascii=False).encode()


def test_a_line_is_below_200_kb_and_names_what_was_cut() -> None:
    words = "寿" * 50_000
    large = replace(FINISHED, metadata={"name": words}, notes=(words,))
    line = to_line(large)
    assert len(json.dumps(line.row)) < 200_000
    assert set(line.cut) == {"metadata", "notes"}
    assert from_line(line.row) == replace(large, metadata={}, notes=())


def test_attempts_are_cut_last() -> None:
    attempts = tuple(replace(a_lost_hedge(), error="x" * 10_000) for _ in range(15))
    line = to_line(replace(FINISHED, attempts=attempts, notes=("x" * 60_000,)))
    assert line.cut == ("notes",)
    assert from_line(line.row).attempts == attempts
