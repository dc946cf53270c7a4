"""Pauses before a target is tried again: the provider's `retry-after`, else full jitter."""

import json
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.relay.retry_after import MAX_PAUSE_MS, asked_pause_ms, pause_ms, retry_after_ms, told_pause_ms
from switchboard.domain.limits import MAX_RETRY_AFTER_MS

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wait_ms"),
    [
        (None, None),
        ("7", 7000.0),
        ("0", 0.0),
        ("0.25", 250.0),
        (" 2 ", 2000.0),
        ("-3", 0.0),
        ("Fri, 20 Nov 2026 12:00:05 GMT", 5000.0),
        ("Fri, 20 Nov 2026 13:00:05 +0100", 5000.0),
        ("Fri, 20 Nov 2026 11:59:00 GMT", 0.0),
        ("Fri, 20 Nov 2026 12:00:05 -0000", 5000.0),
        ("", None),
        ("soon", None),
        ("Fri, 99 Nov 2026 12:00:05 GMT", None),
        ("Fri, 20 Nov 2026 12:00:05 +99999999999999999", None),
        ("nan", None),
    ],
)
def test_seconds_and_dates_are_read(value: str | None, wait_ms: float | None) -> None:
    assert retry_after_ms(value, NOW) == wait_ms


@pytest.mark.parametrize(
    ("headers", "wait_ms"),
    [
        ({}, None),
        ({"retry-after-ms": "1500"}, 1500.0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1500.0),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7000.0),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after-ms": "-1"}, 0.0),
        ({"retry-after-ms": "inf"}, MAX_RETRY_AFTER_MS),
        ({"retry-after": "1e999"}, MAX_RETRY_AFTER_MS),
        ({"retry-after": "7\x01"}, None),
    ],
)
def test_milliseconds_come_before_seconds(headers: dict[str, str], wait_ms: float | None) -> None:
    assert asked_pause_ms(headers, NOW) == wait_ms


@given(
    st.text(st.characters(max_codepoint=0x17F), max_size=40)
    | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,4} Nov [0-9:+ -]{1,40}")
)
@example("1e999")
@example("-inf")
@example("0, 1 Jan 99999999999999999999 0:0:0 +9999")
def test_any_text_gives_none_or_a_pause_that_is_not_negative(value: str) -> None:
    wait_ms = retry_after_ms(value, NOW)
    assert wait_ms is None or wait_ms >= 0.0


@given(st.integers(0, 30), st.integers(1, 5000), st.integers(0, 2**32))
def test_a_pause_lies_between_0_and_a_bound_that_doubles(failures: int, base_ms: int, seed: int) -> None:
    assert 0.0 <= pause_ms(failures, base_ms, Random(seed)) <= min(MAX_PAUSE_MS, base_ms * 2**failures)


def test_pauses_are_uniform_over_their_range() -> None:
    random = Random(1)
    drawn = sorted(pause_ms(2, 100, random) for _ in range(1000))
    assert drawn[0] < 8.0
    assert drawn[-1] > 392.0
    assert 180.0 < drawn[500] < 220.0


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo"}


@pytest.mark.parametrize(
    ("details", "wait_ms"),
    [
        ([RETRY_INFO | {"retryDelay": "34.4s"}], 34_400.0),
        ([{"@type": "QuotaFailure"}, None, RETRY_INFO | {"retryDelay": "2s"}], 2000.0),
        ([RETRY_INFO | {"retryDelay": "-2s"}], 0.0),
        ([RETRY_INFO | {"retryDelay": "1e999s"}], MAX_RETRY_AFTER_MS),
        ([RETRY_INFO | {"retryDelay": "soon"}], None),
        ([RETRY_INFO | {"retryDelay": 7}], None),
        ({"retryDelay": "2s"}, None),
        (None, None),
    ],
)
def test_a_delay_in_googles_body_is_read(details: object, wait_ms: float | None) -> None:
    error = {"error": {"code": 429, "message": "Quota exceeded", "details": details}}
    assert told_pause_ms(json.dumps(error).encode()) == wait_ms
    assert told_pause_ms(json.dumps([error]).encode()) == wait_ms


@pytest.mark.parametrize("body", [b"", b"retryDelay", b'["retryDelay"]', b'{"error":"retryDelay"}', b"[]"])
def test_a_body_without_a_delay_asks_for_none(body: bytes) -> None:
    assert told_pause_ms(body) is None
