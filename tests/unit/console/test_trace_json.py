from dataclasses import replace
from datetime import datetime, timedelta, timezone

from console.trace_json import BODIES_MISSING, entry_json, page_json, trace_json
from switchboard.domain.pricing import settled
from switchboard.domain.rates import RateCard, Rates
from switchboard.domain.trace import Bodies, Failure, RequestIds, Status, Trace, TracePage, Turn
from switchboard.domain.usage import ABSENT
from testkit.samples import NOON, a_lost_hedge, a_usual_attempt, a_usual_usage, an_open_trace, one_price

# What callers build on, in their order.
NAMES = (
    "trace_id",
    "task_id",
    "environment",
    "metadata",
    "provider",
    "model",
    "status",
    "streamed",
    "started_at",
    "ttft_ms",
    "first_sentence_ms",
    "longest_stall_ms",
    "duration_ms",
    "gateway_ms",
    "queue_ms",
    "usage",
    "cost_usd",
    "unpriced",
    "partly_priced",
    "unpriced_classes",
    "price",
    "settled_at",
    "revision",
    "corrections",
    "finish_reason",
    "attempts",
    "turn",
    "buffered_ms",
    "zero_retention",
    "prompt_version",
    "prompt_characters",
    "excerpt",
    "request_ids",
    "redacted",
    "notes",
    "error",
    "project",
    "key_id",
    "request",
    "response",
)

MEDIA = (
    *("audio_input", "audio_cache_read", "audio_output", "image_input", "image_cache_read", "image_output"),
    "searches",
)


def a_finished_trace() -> Trace:
    return replace(
        an_open_trace(),
        status=Status.OK,
        ttft_ms=415.367,
        duration_ms=1843.0,
        gateway_ms=3.117,
        queue_ms=11.5,
        usage=a_usual_usage(),
        finish_reason="stop",
        attempts=(a_usual_attempt(),),
        notes=("max_tokens -1 dropped",),
    )


def test_a_trace_has_exactly_these_fields() -> None:
    for trace in (an_open_trace(), a_finished_trace()):
        assert sorted(trace_json(trace, Bodies())) == sorted(NAMES)
        assert sorted({*NAMES} - {*entry_json(trace)}) == ["request", "response"]


def test_a_finished_trace() -> None:
    trace = a_finished_trace()
    shown = trace_json(trace, Bodies(b'{"model":"m"}', b'{"choices":[]}'))
    assert shown["trace_id"] == trace.trace_id
    assert shown["started_at"] == "2026-11-20T12:00:00.000Z"
    assert (shown["status"], shown["streamed"], shown["finish_reason"]) == ("ok", True, "stop")
    assert (shown["ttft_ms"], shown["duration_ms"], shown["gateway_ms"], shown["queue_ms"]) == (
        415.367,
        1843.0,
        3.117,
        11.5,
    )
    assert shown["metadata"] == dict(trace.metadata)
    assert shown["usage"] == {
        "fresh_input": 212,
        "cache_read": 20480,
        "cache_write_5m": 0,
        "cache_write_1h": 0,
        "output": 87,
        "reasoning": 0,
        **dict.fromkeys(MEDIA, 0),
        "source": "provider",
        "billed_usd": None,
        "service_tier": None,
        "region": None,
        "speed": None,
        "answer_model": None,
    }
    assert shown["attempts"] == [
        {
            "provider": "anthropic",
            "host": "api.anthropic.com",
            "model": "claude-sonnet-4-5",
            "outcome": "ok",
            "started_ms": 3.117,
            "duration_ms": 1840.5,
            "status": 200,
            "ttft_ms": 412.25,
            "error": None,
            "is_hedge": False,
            "usage": None,
            "cost_usd": None,
            "price": None,
        }
    ]
    assert (shown["turn"], shown["buffered_ms"], shown["zero_retention"]) == (None, None, False)
    assert (shown["notes"], shown["error"]) == (["max_tokens -1 dropped"], None)
    assert (shown["project"], shown["key_id"]) == ("acme", "key_0123456789ab")
    assert (shown["request"], shown["response"]) == ({"model": "m"}, {"choices": []})


def test_a_lost_hedge_shows_what_it_used_and_cost() -> None:
    card = RateCard("any", "model", Rates(3_000_000, 15_000_000, 0, 0, 0), NOON, "a test")
    raced = replace(a_finished_trace(), attempts=(a_usual_attempt(), a_lost_hedge()))
    priced, unpriced = (entry_json(settled(raced, one_price(each), NOON))["attempts"] for each in (card, None))
    answered, lost = priced
    assert (answered["usage"], answered["cost_usd"], answered["price"]) == (None, None, None)
    assert (lost["outcome"], lost["is_hedge"], lost["cost_usd"]) == ("outpaced", True, "0.015519")
    assert lost["usage"] is not None
    assert lost["price"] is not None
    assert (lost["usage"]["fresh_input"], lost["usage"]["source"]) == (5173, "estimated")
    assert lost["price"]["usd_per_million"]["fresh_input"] == "3"
    assert (unpriced[1]["cost_usd"], unpriced[1]["price"]) == (None, None)


def test_a_retry_buffer_words_and_zero_retention_are_shown() -> None:
    trace = replace(an_open_trace(), turn=Turn("turn_1", 2, "thread_1"), buffered_ms=1200.5, is_zero_retention=True)
    shown = entry_json(trace)
    assert shown["turn"] == {"turn_id": "turn_1", "retry": 2, "thread_id": "thread_1"}
    assert (shown["buffered_ms"], shown["zero_retention"]) == (1200.5, True)


def test_what_a_call_can_be_compared_and_looked_up_by_is_shown() -> None:
    shown = entry_json(
        replace(
            an_open_trace(),
            first_sentence_ms=730.25,
            longest_stall_ms=88.5,
            prompt_version="0123456789ab",
            prompt_characters=2214,
            excerpt="Do you have a table",
            request_ids=RequestIds("req_011", "a-1", "b-2"),
        )
    )
    assert (shown["first_sentence_ms"], shown["longest_stall_ms"]) == (730.25, 88.5)
    assert (shown["prompt_version"], shown["prompt_characters"]) == ("0123456789ab", 2214)
    assert shown["excerpt"] == "Do you have a table"
    assert shown["request_ids"] == {"provider": "req_011", "lambda": "a-1", "api_gateway": "b-2"}


def test_bodies_that_were_not_written_are_said_to_be_missing() -> None:
    trace = replace(an_open_trace(), has_bodies=True, notes=("left out max_tokens",))
    assert trace_json(trace, Bodies())["notes"] == ["left out max_tokens", BODIES_MISSING]
    assert trace_json(trace, Bodies(b"{}", b"{}"))["notes"] == ["left out max_tokens"]
    assert trace_json(replace(trace, has_bodies=False), Bodies())["notes"] == ["left out max_tokens"]


def test_unknown_values_are_null_and_never_zero() -> None:
    shown = trace_json(replace(an_open_trace(), usage=ABSENT), Bodies())
    unknown = [
        "request",
        "settled_at",
        "ttft_ms",
        "duration_ms",
        "gateway_ms",
        "queue_ms",
        "first_sentence_ms",
        "longest_stall_ms",
        "prompt_version",
        "prompt_characters",
        "excerpt",
        "cost_usd",
        "unpriced",
        "price",
    ]
    assert {name: value for name, value in shown.items() if name in unknown} == dict.fromkeys(unknown)
    assert shown["usage"]["source"] == "absent"
    assert {value for name, value in shown["usage"].items() if name != "source"} == {None}


def test_an_error_carries_its_code_and_status() -> None:
    trace = replace(an_open_trace(), failure=Failure("first_token_late", "No target answered.", 504))
    assert entry_json(trace)["error"] == {
        "code": "first_token_late",
        "message": "No target answered.",
        "http_status": 504,
    }


def test_times_are_utc_to_the_millisecond() -> None:
    at = datetime(2026, 11, 20, 1, 2, 3, 45_000, timezone(timedelta(hours=2)))
    assert entry_json(replace(an_open_trace(), started_at=at))["started_at"] == "2026-11-19T23:02:03.045Z"


def test_a_page_has_its_traces_and_the_next_cursor() -> None:
    trace = an_open_trace()
    page = {"traces": [entry_json(trace)], "next_cursor": "next", "searched_since": None}
    assert page_json(TracePage((trace,), "next")) == page
    assert page_json(TracePage((), None)) == {"traces": [], "next_cursor": None, "searched_since": None}
