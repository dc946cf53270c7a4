"""How the console shows a call's attempts and the calls of one turn."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from switchboard.domain.pricing import settled, unpriced_model
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.trace import Bodies, Failure, Status, Trace, Turn
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from testkit.memory_store import MemoryStore
from testkit.samples import a_lost_hedge, a_usual_attempt, a_usual_usage, an_open_trace

pytestmark = pytest.mark.browser

REFRESH_MS = 4000
NOW = datetime.now(UTC).replace(microsecond=0)
CARDS = {
    "anthropic": RateCard(
        "anthropic", "any", Rates(3_000_000, 15_000_000, 300_000, 0, 0), ALWAYS, "overrides 2026-11-01"
    ),
    "groq": RateCard("groq", "any", Rates(590_000, 790_000, 0, 0, 0), NOW - timedelta(days=9), "genai-prices 0.2.3"),
}
LATE = replace(
    a_usual_attempt(),
    outcome="FirstTokenLate",
    duration_ms=1000.0,
    status=None,
    ttft_ms=None,
    error="no content within 1000 ms",
)
ANSWER = replace(a_usual_attempt(), started_ms=1010.0, ttft_ms=500.0, duration_ms=1500.0)


def a_settled_call(seconds_ago: float = 5, **changes: Any) -> Trace:
    done = replace(
        an_open_trace(started_at=NOW - timedelta(seconds=seconds_ago)),
        status=Status.OK,
        ttft_ms=1510.0,
        duration_ms=2510.0,
        gateway_ms=3.1,
        usage=a_usual_usage(),
        attempts=(ANSWER,),
    )
    return settled(replace(done, **changes), lambda provider, _model, _at: CARDS.get(provider), NOW)


def a_call_of_the_turn(retry: int, status: Status = Status.SUPERSEDED, **changes: Any) -> Trace:
    return a_settled_call(60 - 4 * retry, status=status, turn=Turn("turn_1", retry), **changes)


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Gateway key").fill("sb-one")
    page.get_by_role("button", name="Open").click()


def open_call(page: Page, address: str, store: MemoryStore, trace: Trace) -> Locator:
    """The call's detail."""
    store.complete_trace(trace, Bodies(b"{}", b"{}"))
    sign_in(page, address)
    page.locator("#rows tr").first.click()
    return page.get_by_label("The call", exact=True)


def span_of(piece: Locator) -> tuple[float, float]:
    """Where it begins and ends, in percent of its lane."""
    left, width = (float(piece.evaluate(f"(it) => parseFloat(it.style.{name})")) for name in ("left", "width"))
    return left, left + width


def figures(attempt: Locator) -> list[str]:
    return attempt.locator(".attempt-figures li").all_inner_texts()


def test_attempts_are_a_waterfall_and_the_one_that_answered_is_marked(
    page: Page, address: str, store: MemoryStore, settle: Any
) -> None:
    lost = replace(a_lost_hedge(), started_ms=1255.0, duration_ms=255.0)
    trace = a_settled_call(attempts=(replace(LATE, usage=Usage(UsageSource.ESTIMATED, Tokens(100, 0))), ANSWER, lost))
    settle(trace)
    detail = open_call(page, address, store, trace)
    attempts = detail.locator(".attempt")
    expect(attempts.locator(".badge")).to_have_text(["first token late", "answered", "outpaced"])
    expect(attempts.locator(".tag")).to_have_text(["hedge"])
    looks = attempts.evaluate_all("(all) => all.map((attempt) => attempt.className)")
    assert looks == ["attempt failing", "attempt answer", "attempt"]
    assert figures(attempts.nth(0)) == [
        *("anthropic · api.anthropic.com", "Began3.1 ms", "Took1.00 s", "Tokens≈ 100 → 0", "Cost$0.0003"),
    ]
    assert figures(attempts.nth(1))[1:] == [
        *("HTTP200", "Began1.01 s", "TTFT500 ms", "Took1.50 s", "Tokens20,692 → 87", "Cost$0.008085"),
    ]
    assert figures(attempts.nth(2))[-1] == "Cost$0.00305207"
    silent, speaking = (span_of(attempts.nth(1).locator(f".{kind}")) for kind in ("silent", "speaking"))
    assert silent == pytest.approx((100 * 1010 / 2510, 100 * 1510 / 2510), abs=0.1)
    assert speaking == pytest.approx((silent[1], 100), abs=0.1)
    expect(attempts.nth(1).get_by_role("img")).to_have_accessible_name("From 1.01 s to 2.51 s, first token at 1.51 s")
    expect(detail.locator(".scale span")).to_have_text(["0", "1 s", "2 s"])
    expect(detail).to_contain_text("no content within 1000 ms")


def test_the_bill_lists_every_attempt_and_their_sum(page: Page, address: str, store: MemoryStore) -> None:
    detail = open_call(page, address, store, a_settled_call(attempts=(ANSWER, a_lost_hedge())))
    expect(detail.locator(".bill tbody tr").nth(3)).to_have_text("Hedgellama-3.3-70b-versatile≈ 5,173 → 0$0.00305207")
    expect(detail.locator(".bill .total")).to_have_text("Cost, of estimated tokens$0.01113707")
    since = f"{NOW - timedelta(days=9):%Y-%m-%d}"
    expect(detail).to_contain_text(f"Price: overrides 2026-11-01; genai-prices 0.2.3, since {since}.")


def test_an_attempt_without_a_price_is_named(page: Page, address: str, store: MemoryStore) -> None:
    lost = replace(a_lost_hedge(), provider="generic", model="house-model")
    detail = open_call(page, address, store, a_settled_call(attempts=(ANSWER, lost)))
    expect(page.locator("#rows td.cost")).to_have_text(["unpriced"])
    expect(detail.locator(".unknown")).to_contain_text("The price of house-model at generic is unknown")
    expect(detail.locator(".bill .total")).to_contain_text("unpriced")
    assert [figures(attempt)[-1] for attempt in detail.locator(".attempt").all()] == ["Cost$0.008085", "Costunpriced"]


TRIED = replace(LATE, provider="generic", model="house-model", usage=Usage(UsageSource.ESTIMATED, Tokens(100, 0)))
REFUSED = replace(ANSWER, outcome="UpstreamRejected", status=401, ttft_ms=None)
UNPRICED = {
    "the attempt before one that was refused": a_settled_call(
        status=Status.UPSTREAM_ERROR, ttft_ms=None, usage=ABSENT, attempts=(TRIED, REFUSED)
    ),
    "the attempt before one that was billed": a_settled_call(
        usage=replace(a_usual_usage(), billed_pico_usd=7), attempts=(TRIED, ANSWER)
    ),
    "the attempt before one that used no token": a_settled_call(
        usage=Usage(UsageSource.PROVIDER, Tokens(0, 0)), attempts=(TRIED, ANSWER)
    ),
    "the answer": a_settled_call(provider="generic", model="other-model", attempts=(ANSWER,)),
    "the answer before the attempt": a_settled_call(
        provider="generic", model="other-model", attempts=(TRIED, replace(ANSWER, provider="generic"))
    ),
    "an answer without a count": a_settled_call(usage=ABSENT, attempts=(TRIED, ANSWER)),
    "a lost call": a_settled_call(status=Status.LOST, ttft_ms=None, usage=ABSENT, attempts=()),
}


@pytest.mark.parametrize("trace", UNPRICED.values(), ids=UNPRICED)
def test_an_unpriced_call_has_the_ledgers_reason(page: Page, address: str, store: MemoryStore, trace: Trace) -> None:
    detail = open_call(page, address, store, trace)
    provider, model = unpriced_model(trace)
    is_uncounted = model == trace.model and trace.usage is ABSENT
    said = "The number of tokens is unknown." if is_uncounted else f"The price of {model} at {provider} is unknown."
    expect(detail.locator(".unknown")).to_contain_text(said)


def test_a_call_with_a_providers_bill_is_not_shown_as_without_tokens(
    page: Page, address: str, store: MemoryStore
) -> None:
    billed = replace(a_usual_usage(), billed_pico_usd=7_000_000_000)
    detail = open_call(page, address, store, a_settled_call(usage=billed))
    expect(detail.locator(".bill tbody tr").first).to_have_text("As the provider billed it20,692 → 87$0.007")
    expect(detail.locator(".attempt-figures li").last).to_have_text("Cost$0.007")


def test_calls_of_one_turn_are_one_block_from_the_first_to_the_last_retry(
    page: Page, address: str, store: MemoryStore
) -> None:
    unsent = a_call_of_the_turn(2, ttft_ms=None, usage=ABSENT, attempts=())
    calls = [a_call_of_the_turn(0), a_call_of_the_turn(1, Status.OK), unsent]
    newest, between = a_settled_call(1), a_settled_call(58)
    for trace in (calls[2], between, calls[0], newest, calls[1]):
        store.complete_trace(trace, Bodies())
    sign_in(page, address)
    rows = page.locator("#rows tr")
    expect(rows.locator(".task")).to_have_text(["booking", "booking", "booking3 calls", "Retry 1", "Retry 2"])
    expect(rows.locator(".badge")).to_have_text(["ok", "ok", "superseded", "ok", "superseded"])
    expect(rows.locator(".time").nth(3)).to_have_text("+ 4.00 s")
    ids = rows.evaluate_all("(all) => all.map((row) => row.dataset.trace)")
    assert ids == [trace.trace_id for trace in (newest, between, *calls)]
    rows.nth(2).click()
    turn = page.locator("#detail .turn-call")
    expect(turn).to_have_text([re.compile("First call"), re.compile("Retry 1.*ok"), re.compile("Retry 2")])
    turn.nth(1).click()
    expect(page.locator("#detail .trace-id")).to_have_text(calls[1].trace_id)
    expect(turn.nth(1)).to_have_attribute("aria-current", "true")


def test_the_same_question_asked_anew_after_its_answer_is_a_turn_of_its_own(
    page: Page, address: str, store: MemoryStore
) -> None:
    asked = [(60, 0, Status.SUPERSEDED), (56, 1, Status.SUPERSEDED), (52, 2, Status.OK), (40, 0, Status.OK)]
    calls = [a_settled_call(ago, status=status, turn=Turn("turn_1", retry)) for ago, retry, status in asked]
    for trace in calls:
        store.complete_trace(trace, Bodies())
    sign_in(page, address)
    rows = page.locator("#rows tr")
    expect(rows.locator(".task")).to_have_text(["booking", "booking3 calls", "Retry 1", "Retry 2"])
    ids = rows.evaluate_all("(all) => all.map((row) => row.dataset.trace)")
    assert ids == [trace.trace_id for trace in (calls[3], *calls[:3])]
    rows.nth(0).click()
    expect(page.locator("#detail .trace-id")).to_have_text(calls[3].trace_id)
    expect(page.locator("#detail .turn-call")).to_have_count(0)
    rows.nth(2).click()
    expect(page.locator("#detail .turn-call")).to_have_count(3)


def test_a_call_whose_number_is_not_known_yet_stays_with_the_silent_ones_of_its_turn(
    page: Page, address: str, store: MemoryStore
) -> None:
    turn = Turn("turn_1")
    silent = replace(a_call_of_the_turn(0), ttft_ms=None)
    under_way = replace(an_open_trace(started_at=NOW - timedelta(seconds=56)), turn=turn)
    for trace in (silent, under_way):
        store.open_trace(trace)
    sign_in(page, address)
    rows = page.locator("#rows tr")
    expect(rows.locator(".task")).to_have_text(["booking2 calls", "Retry"])
    store.complete_trace(replace(a_call_of_the_turn(1, Status.OK), trace_id=under_way.trace_id), Bodies())
    store.open_trace(replace(an_open_trace(started_at=NOW - timedelta(seconds=50)), turn=turn))
    page.clock.run_for(REFRESH_MS)
    expect(rows.locator(".task")).to_have_text(["booking", "booking2 calls", "Retry 1"])


def test_a_retry_joins_its_turn_on_the_open_page(page: Page, address: str, store: MemoryStore) -> None:
    first = an_open_trace(started_at=NOW - timedelta(seconds=60))
    first = replace(first, turn=Turn("turn_1"))
    store.open_trace(first)
    store.complete_trace(a_settled_call(80), Bodies())
    sign_in(page, address)
    rows = page.locator("#rows tr")
    expect(rows.locator(".badge")).to_have_text(["open", "ok"])
    rows.first.focus()
    ended = replace(a_call_of_the_turn(0), trace_id=first.trace_id)
    for trace in (ended, a_call_of_the_turn(1, Status.OK)):
        store.complete_trace(trace, Bodies())
    page.clock.run_for(REFRESH_MS)
    expect(rows.locator(".badge")).to_have_text(["superseded", "ok", "ok"])
    expect(rows.locator(".task").nth(1)).to_have_text("Retry 1")
    expect(rows.first).to_be_focused()
    expect(page.locator("#list-problem")).to_be_hidden()


def test_a_stopped_call_shows_its_reason_and_is_no_error(page: Page, address: str, store: MemoryStore) -> None:
    endings = {
        Status.SUPERSEDED: ("turn_answered", "Another call of the same turn answered first"),
        Status.INTERRUPTED: ("barge_in", "A later turn of the conversation began"),
        Status.CLIENT_CLOSED: ("client_closed", "The caller disconnected"),
    }
    for place, (status, (code, _)) in enumerate(endings.items()):
        stopped = {"failure": Failure(code, "It was stopped.", 499), "attempts": (replace(ANSWER, outcome=code),)}
        store.complete_trace(a_settled_call(place, status=status, **stopped), Bodies())
    sign_in(page, address)
    detail = page.get_by_label("The call", exact=True)
    for place, (code, words) in enumerate(endings.values()):
        page.locator("#rows tr").nth(place).click()
        expect(detail.locator(".ending")).to_contain_text(words)
        expect(detail.locator(".attempt .badge")).to_have_text(code.replace("_", " "))
        expect(detail.locator(".error, .attempt.failing")).to_have_count(0)


def test_a_call_without_attempts_says_so(page: Page, address: str, store: MemoryStore) -> None:
    refused = a_settled_call(
        status=Status.REFUSED,
        ttft_ms=None,
        gateway_ms=None,
        duration_ms=2.4,
        usage=ABSENT,
        attempts=(),
        model=None,
        provider=None,
        failure=Failure("body_malformed", "The body is no JSON.", 400),
    )
    store.complete_trace(refused, Bodies())
    unsent = replace(refused, trace_id=a_settled_call(9).trace_id, status=Status.SUPERSEDED, model="a")
    store.complete_trace(unsent, Bodies())
    sign_in(page, address)
    detail = page.get_by_label("The call", exact=True)
    for row in page.locator("#rows tr").all():
        row.click()
        expect(detail.locator(".legend li")).to_have_text(["Gateway2.4 ms"])
        expect(detail).to_contain_text("No provider was called.")
        expect(detail).not_to_contain_text("The provider reported no usage.")
    page.locator("#rows tr").first.click()
    expect(detail).to_contain_text("Not stored: the call was refused.")
    expect(detail.get_by_role("button", name="Save response")).to_have_count(0)
    expect(detail).not_to_contain_text("Delivery")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.OPEN, ("The call is still running.", "Not reported yet.", "Not stored until the call has ended.")),
        (
            Status.LOST,
            ("The duration is unknown.", "Unknown: the call's end was not recorded.", "Not stored: the call's end"),
        ),
    ],
)
def test_an_open_call_shows_no_end(
    page: Page, address: str, store: MemoryStore, status: Status, said: tuple[str, ...]
) -> None:
    endless = a_settled_call(status=status, ttft_ms=None, duration_ms=None, usage=ABSENT, attempts=())
    store.open_trace(endless)
    sign_in(page, address)
    page.locator("#rows tr").first.click()
    detail = page.get_by_label("The call", exact=True)
    for words in said:
        expect(detail).to_contain_text(words)
    expect(detail.locator(".legend li")).to_have_text(["Gateway3.1 ms"])
    expect(detail.locator(".bar")).to_have_count(0)
    expect(detail.get_by_role("button", name="Save response")).to_have_count(0)


def test_a_callers_metadata_does_not_replace_the_calls_own_facts(page: Page, address: str, store: MemoryStore) -> None:
    detail = open_call(page, address, store, a_settled_call(metadata={"model": "house-model"}))
    expect(detail.locator("section", has_text="Metadata").locator("dd")).to_have_text("house-model")
    expect(page.locator("#detail > dl dd", has_text="claude-sonnet-4-5")).to_have_count(1)
    expect(page.locator("#detail > dl dd", has_text="house-model")).to_have_count(0)


def test_buffer_words_and_zero_retention_are_marked(page: Page, address: str, store: MemoryStore) -> None:
    trace = replace(a_settled_call(), buffered_ms=1200.0, is_zero_retention=True)
    detail = open_call(page, address, store, trace)
    expect(page.locator("#rows .tag")).to_have_text(["buffer words", "zero retention"])
    expect(detail.locator(".detail-title .tag")).to_have_text(["buffer words", "zero retention"])
    expect(detail.locator(".legend li")).to_have_text(
        ["Gateway3.1 ms", "To buffer words1.20 s", "To first token310 ms", "Answer1.00 s"]
    )
    assert span_of(detail.locator(".lane .buffer"))[0] == pytest.approx(100 * 1200 / 2510, abs=0.1)
    expect(detail).to_contain_text("Not stored: the call was made under zero retention.")
    expect(detail.get_by_role("button", name="Save response")).to_have_count(0)


def test_a_long_race_fits_every_width(page: Page, address: str, store: MemoryStore) -> None:
    lost = replace(a_lost_hedge(), model="model-" * 20, host="h" * 80, outcome="SomethingWentWrong" * 3)
    detail = open_call(page, address, store, a_settled_call(attempts=(LATE, lost, ANSWER, lost), turn=Turn("t", 7)))
    expect(detail.locator(".attempt")).to_have_count(4)
    for width in (320, 390, 1024):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        assert page.evaluate("detail.scrollWidth - detail.clientWidth") <= 0
