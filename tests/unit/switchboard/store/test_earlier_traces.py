"""Rows of traces as earlier versions wrote them: testkit/earlier_traces.json has some, as the table holds them."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import testkit
from switchboard.domain.rates import Rates
from switchboard.domain.trace import NO_REQUEST_IDS, Failure, Status, Trace, Turn
from switchboard.domain.usage import Tokens, Usage, UsageSource
from switchboard.store.attributes import decode_item
from switchboard.store.traces import settlement_items, trace_documents
from switchboard.store.traces.trace_items import from_item, to_item
from testkit.samples import NOON, a_lost_hedge, a_usual_attempt, a_usual_usage, an_open_trace

ROWS: dict[str, Any] = json.loads((Path(testkit.__file__).parent / "earlier_traces.json").read_text(encoding="utf-8"))


def earlier(name: str) -> dict[str, Any]:
    return decode_item(ROWS[name])


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_read_and_written_anew(name: str) -> None:
    trace = from_item(earlier(name))
    again = to_item(trace, 1_800_000_000)
    assert from_item(again) == trace
    assert {part: again[part] for part in ("pk", "sk", "gsi1pk", "gsi1sk", "kind", "status")} == {
        part: earlier(name)[part] for part in ("pk", "sk", "gsi1pk", "gsi1sk", "kind", "status")
    }


def test_an_open_call() -> None:
    trace = from_item(earlier("open"))
    started_at = NOON + timedelta(milliseconds=37)
    assert trace == replace(an_open_trace(started_at=started_at), trace_id=trace.trace_id, expires_at=trace.expires_at)


def test_a_settled_call() -> None:
    trace = from_item(earlier("settled"))
    assert (trace.status, trace.ttft_ms, trace.gateway_ms, trace.queue_ms) == (Status.OK, 412.25, 3.117, 11.0)
    assert (trace.usage, trace.attempts, trace.notes) == (
        a_usual_usage(),
        (a_usual_attempt(),),
        ("left out max_tokens",),
    )
    assert trace.turn == Turn("0123456789abcdef01234567", 2)
    assert (trace.prompt_version, trace.first_sentence_ms, trace.request_ids) == (None, None, NO_REQUEST_IDS)
    assert trace.settlement is not None
    assert trace.settlement.price is not None
    assert trace.settlement.price.rates == Rates(3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000)
    assert trace.settlement.cost_pico_usd == 212 * 3_000_000 + 20480 * 300_000 + 87 * 15_000_000


def test_a_call_with_several_attempts() -> None:
    trace = from_item(earlier("raced"))
    assert (trace.streamed, trace.environment, trace.buffered_ms) == (False, "default", 700.25)
    assert trace.usage == Usage(UsageSource.PROVIDER, Tokens(10, 20, 1, 2, 3, 4), 55)
    assert trace.attempts == (
        a_lost_hedge(),
        replace(
            a_usual_attempt(), outcome="UpstreamRejected", status=503, error="answered 503: overloaded", ttft_ms=None
        ),
        replace(a_usual_attempt(), outcome="ConnectFailed", status=None, error="no connection", ttft_ms=None),
        a_usual_attempt(),
    )


def test_a_failed_call() -> None:
    trace = from_item(earlier("failed"))
    assert (trace.status, trace.task_id, trace.metadata) == (Status.LOST, "a#b%c", {})
    assert trace.failure == Failure("lost", "No end was written.", 504)
    assert (trace.model, trace.provider, trace.is_zero_retention) == (None, None, True)
    assert trace.settlement is not None
    assert trace.settlement.is_unpriced


def test_an_earlier_row_that_is_settled_or_found_lost_now() -> None:
    """What other functions add today is read together with the earlier names."""
    row, fresh = earlier("open"), from_item(earlier("settled")).settlement
    assert fresh is not None
    lost = {"status": "lost", "failure": trace_documents.failure_item(Failure("lost", "No end.", 504))}
    added = {name: value for name, value in settlement_items.to_item(fresh).items() if value is not None}
    trace = from_item({**row, **lost, **added})
    assert trace == replace(
        from_item(row), status=Status.LOST, failure=Failure("lost", "No end.", 504), settlement=fresh
    )


def test_a_line_of_an_earlier_version_is_restored() -> None:
    row = earlier("raced")
    line = {name: value for name, value in row.items() if name not in {"pk", "sk", "gsi1pk", "gsi1sk", "kind"}}
    restored: Trace = trace_documents.from_document({**line, "trace_id": row["sk"]})
    assert restored == from_item(row)
