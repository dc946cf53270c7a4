from dataclasses import replace

import pytest

from switchboard.domain.trace import Status
from switchboard.store.attributes import encode_item
from switchboard.store.trace_items import from_item, to_item
from testkit.dynamodb import item_bytes
from testkit.samples import a_usual_attempt, a_usual_usage, an_open_trace

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


def test_the_row_of_a_usual_call_is_below_one_kilobyte() -> None:
    assert item_bytes(encode_item(to_item(FINISHED, 1_800_000_000))) < 1024


def test_default_values_of_an_attempt_are_left_out() -> None:
    [attempt] = encode_item(to_item(FINISHED, 1_800_000_000))["attempts"]["L"]
    assert set(attempt["M"]) == {
        *("provider", "host", "model", "outcome", "started_ms", "duration_ms", "status", "ttft_ms")
    }


def test_empty_values_are_left_out() -> None:
    row = encode_item(to_item(replace(an_open_trace(), metadata={}, model=None, provider=None), 1_800_000_000))
    assert set(row) == {
        *("pk", "sk", "gsi1pk", "gsi1sk", "kind", "expires_at", "project", "task_id", "environment", "started_at"),
        *("status", "streamed", "key_id"),
    }


def test_a_row_has_its_kind_and_its_expiry() -> None:
    row = to_item(FINISHED, 1_800_000_000)
    assert (row["kind"], row["status"], row["expires_at"]) == ("trace", "ok", 1_800_000_000)
    assert from_item(row).expires_at == 1_800_000_000


def test_unknown_attributes_are_ignored() -> None:
    row = {**to_item(FINISHED, 1_800_000_000), "settled": True, "cost_pico_usd": 12}
    assert from_item(row) == FINISHED


def test_metadata_with_an_empty_name_is_dropped() -> None:
    row = to_item(replace(FINISHED, metadata={"": "x", "agent-id": ""}), 1_800_000_000)
    assert row["metadata"] == {"agent-id": ""}


@pytest.mark.parametrize("row", [{}, {"pk": "P#acme#BODY#x", "sk": "0000", "kind": "body"}])
def test_an_invalid_row_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        from_item(row)
