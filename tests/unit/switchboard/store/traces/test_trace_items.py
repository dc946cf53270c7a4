from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from switchboard.domain.pricing import settled
from switchboard.domain.rates import RateCard, Rates
from switchboard.domain.trace import RequestIds, Status, Trace, Turn
from switchboard.store.attributes import decode_item, encode_item
from switchboard.store.traces.trace_items import from_item, to_item
from testkit.dynamodb import item_bytes
from testkit.samples import NOON, a_usual_attempt, a_usual_call, a_usual_usage, an_open_trace, one_price

FINISHED = replace(
    an_open_trace(),
    status=Status.OK,
    ttft_ms=412.25,
    duration_ms=1840.501,
    gateway_ms=1.204,
    queue_ms=3.0,
    usage=a_usual_usage(),
    finish_reason="stop",
    attempts=(a_usual_attempt(),),
)


KEYS = {"pk", "sk", "gsi1pk", "gsi1sk", "kind", "expires_at", "status"}


def size_of(trace: Trace) -> int:
    """The bytes of its row as DynamoDB counts them, at most."""
    return item_bytes(encode_item(to_item(trace, 1_800_000_000)))


def test_the_row_of_a_usual_call_is_below_one_kilobyte_once_it_is_settled() -> None:
    card = RateCard(
        "anthropic",
        "claude-sonnet-4-5",
        Rates(3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000),
        datetime(2025, 9, 29, tzinfo=UTC),
        "overrides 2026-11-20",
        entry_id="anthropic/claude-sonnet-4-5-20250929",
    )
    call = a_usual_call(model="claude-sonnet-4-5-20250929")
    trace = settled(call, one_price(card), NOON + timedelta(seconds=5, microseconds=123_456))
    assert trace.settlement is not None
    assert trace.settlement.cost_pico_usd
    assert len(trace.excerpt or "") == 80
    assert size_of(trace) < 850
    long_names = replace(trace, project="a-project-of-32-characters-xxxxx", task_id="a-task-of-32-characters-yyyyyyyy")
    assert size_of(long_names) < 1000


def test_what_follows_from_keys_and_from_the_call_is_left_out() -> None:
    row = encode_item(to_item(a_usual_call(), 1_800_000_000))
    assert not {"project", "task_id", "started_at", "s"} & set(row)
    [attempt] = row["a"]["L"]
    assert set(attempt["M"]) == {"h", "d", "t"}


def test_ids_are_bytes() -> None:
    row = encode_item(to_item(a_usual_call(), 1_800_000_000))
    packed = (row["k"], row["v"], row["tn"]["M"]["i"], row["tn"]["M"]["t"], row["r"]["M"]["l"], row["r"]["M"]["g"])
    assert [len(value["B"]) for value in packed] == [6, 6, 12, 12, 16, 16]


@pytest.mark.parametrize("text", ["", "key_", "key_0", "key_XY", "0123", "KEY_0123456789ab", "key_0123456789AB", " 01"])
def test_an_id_of_another_form_is_a_text(text: str) -> None:
    ids = RequestIds(text, text, text)
    trace = replace(FINISHED, key_id=text, turn=Turn(text, 1, text), prompt_version=text, request_ids=ids)
    assert from_item(to_item(trace, 1)) == replace(trace, expires_at=1)


@pytest.mark.parametrize("text", ["a#b", "%23", "%", "", "x" * 600, "#" * 300, "%" + "0" * 64])
def test_labels_are_read_from_the_keys_or_stand_beside_them(text: str) -> None:
    trace = replace(FINISHED, project=text, task_id=text)
    assert from_item(to_item(trace, 1)) == replace(trace, expires_at=1)


@pytest.mark.parametrize("trace_id", ["t", "0198c0de-0000-4000-8000-000000000000", FINISHED.trace_id.upper()])
def test_the_start_is_kept_where_the_id_does_not_tell_it(trace_id: str) -> None:
    trace = replace(FINISHED, trace_id=trace_id, started_at=NOON + timedelta(microseconds=7))
    assert from_item(to_item(trace, 1)) == replace(trace, expires_at=1)


@pytest.mark.parametrize("name", ["a", "c", "md", "agent-id", "known_metadata", "provider"])
def test_any_name_of_metadata_is_kept(name: str) -> None:
    trace = replace(FINISHED, metadata={name: "x", "agent-id": "y"})
    assert from_item(to_item(trace, 1)).metadata == trace.metadata


def test_an_attempt_without_a_response_is_told_from_a_usual_one() -> None:
    attempts = (replace(a_usual_attempt(), status=None), replace(a_usual_attempt(), status=503), a_usual_attempt())
    trace = replace(FINISHED, attempts=attempts)
    assert from_item(decode_item(encode_item(to_item(trace, 1)))).attempts == attempts


def test_empty_values_are_left_out() -> None:
    row = encode_item(to_item(replace(an_open_trace(), metadata={}, model=None, provider=None), 1_800_000_000))
    assert set(row) == {*KEYS, "e", "k"}


def test_a_row_has_its_kind_and_its_expiry() -> None:
    row = to_item(FINISHED, 1_800_000_000)
    assert (row["kind"], row["status"], row["expires_at"]) == ("trace", "ok", 1_800_000_000)
    assert from_item(row).expires_at == 1_800_000_000


def test_unknown_attributes_are_ignored() -> None:
    row = {**to_item(FINISHED, 1_800_000_000), "settled": True, "cost_pico_usd": 12}
    assert from_item(row) == FINISHED


def test_metadata_with_an_empty_name_is_dropped() -> None:
    row = to_item(replace(FINISHED, metadata={"": "x", "agent-id": ""}), 1_800_000_000)
    assert from_item(row).metadata == {"agent-id": ""}


@pytest.mark.parametrize("row", [{}, {"pk": "P#acme#BODY#x", "sk": "0000", "kind": "body"}])
def test_an_invalid_row_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        from_item(row)
