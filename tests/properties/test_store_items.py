"""What is stored is what is read: `from_item(to_item(x)) == x`, as written and as DynamoDB would give it back."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.domain.limits import MAX_SEARCHES, MAX_TOKENS
from switchboard.domain.trace import AttemptRecord, Failure, RequestIds, Status, Trace, Turn
from switchboard.domain.trace_id import _with_random_bits
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.store import key_items
from switchboard.store.attributes import decode_item, encode_item
from switchboard.store.traces import trace_items, trace_lines
from testkit.samples import NOON

TEXT = st.text(max_size=40)
COUNT = st.integers(0, 10**9)
MILLISECONDS = st.integers(0, 10**9).map(lambda thousandths: thousandths / 1000)
MOMENT = st.integers(0, 10**12).map(lambda milliseconds: NOON + timedelta(milliseconds=milliseconds))

usages = st.just(ABSENT) | st.builds(
    Usage,
    st.sampled_from([UsageSource.PROVIDER, UsageSource.ESTIMATED]),
    st.builds(Tokens, *[st.integers(0, MAX_TOKENS // 12)] * 12, st.integers(0, MAX_SEARCHES)),
    st.none() | COUNT,
    *[st.none() | st.text(min_size=1, max_size=20)] * 4,
)
attempts = st.builds(
    AttemptRecord,
    *[TEXT] * 4,
    MILLISECONDS,
    MILLISECONDS,
    status=st.none() | st.integers(100, 599),
    ttft_ms=st.none() | MILLISECONDS,
    error=st.none() | TEXT,
    is_hedge=st.booleans(),
    usage=usages,
)
traces = st.builds(
    Trace,
    trace_id=st.builds(_with_random_bits, MOMENT, st.integers(0, 2**76 - 1)),
    project=TEXT,
    task_id=TEXT,
    environment=TEXT,
    started_at=MOMENT,
    status=st.sampled_from(Status),
    streamed=st.booleans(),
    key_id=TEXT,
    model=st.none() | TEXT,
    provider=st.none() | TEXT,
    metadata=st.dictionaries(st.text(min_size=1, max_size=20), TEXT, max_size=5),
    ttft_ms=st.none() | MILLISECONDS,
    duration_ms=st.none() | MILLISECONDS,
    gateway_ms=st.none() | MILLISECONDS,
    queue_ms=st.none() | MILLISECONDS,
    usage=usages,
    finish_reason=st.none() | TEXT,
    attempts=st.lists(attempts, max_size=4).map(tuple),
    notes=st.lists(TEXT, max_size=4).map(tuple),
    failure=st.none() | st.builds(Failure, TEXT, TEXT, st.integers(100, 599)),
    turn=st.none() | st.builds(Turn, TEXT, st.integers(0, 20), st.none() | TEXT),
    buffered_ms=st.none() | MILLISECONDS,
    is_zero_retention=st.booleans(),
    has_bodies=st.booleans(),
    first_sentence_ms=st.none() | MILLISECONDS,
    longest_stall_ms=st.none() | MILLISECONDS,
    prompt_version=st.none() | TEXT,
    prompt_characters=st.none() | COUNT,
    excerpt=st.none() | TEXT,
    redacted=st.dictionaries(st.sampled_from(["card", "key", "account"]), st.integers(1, 10**6), max_size=3),
    request_ids=st.builds(RequestIds, *[st.none() | TEXT] * 3),
)
keys = st.builds(
    GatewayKey,
    digest=TEXT.map(digest),
    project=TEXT,
    scopes=st.frozensets(st.sampled_from(Scope)),
    created_at=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    name=TEXT,
    revoked_at=st.none() | MOMENT,
)


def stored(item: Any) -> dict[str, Any]:
    return decode_item(encode_item(item))


@given(traces, st.integers(0, 2**40))
def test_a_trace_round_trips(trace: Trace, expires_at: int) -> None:
    item = trace_items.to_item(trace, expires_at)
    assert trace_items.from_item(item) == trace
    assert trace_items.from_item(stored(item)) == trace


@given(traces)
def test_a_trace_is_restored_from_a_log_line(trace: Trace) -> None:
    assert trace_lines.from_line(json.loads(json.dumps(trace_lines.to_line(trace).row))) == trace


@given(keys)
def test_a_key_round_trips(key: GatewayKey) -> None:
    item = key_items.to_item(key)
    assert key_items.from_item(item) == key
    assert key_items.from_item(stored(item)) == key
