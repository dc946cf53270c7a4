import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from testkit.memory_store import MemoryStore
from testkit.samples import a_usual_attempt, a_usual_usage, an_open_trace, one_price

pytestmark = pytest.mark.browser

REFRESH_MS = 4000
NOW = datetime.now(UTC).replace(microsecond=0)
RATES = Rates(fresh_input=3_000_000, output=15_000_000, cache_read=300_000, cache_write_5m=3_750_000, cache_write_1h=1)
CARD = RateCard("anthropic", "claude-sonnet-4-5", RATES, datetime(2026, 11, 1, tzinfo=UTC), "overrides 2026-11-01")
TIMES = "\N{MULTIPLICATION SIGN}"
SCRIPT = "<script>alert(1)</script>/#%"


def a_settled_call(task_id: str = "booking", *, priced: bool = True, **changes: Any) -> Trace:
    done = replace(
        an_open_trace(task_id=task_id, started_at=NOW),
        status=Status.OK,
        ttft_ms=415.367,
        duration_ms=1843.712,
        usage=a_usual_usage(),
        attempts=(a_usual_attempt(),),
    )
    return settled(replace(done, **changes), one_price(CARD if priced else None), NOW)


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Gateway key").fill("sb-one")
    page.get_by_role("button", name="Open").click()


def open_tasks(page: Page, address: str) -> Any:
    """The tasks' rows."""
    sign_in(page, address)
    page.get_by_role("link", name="Tasks").click()
    return page.locator("#task-rows tr")


def costs_in_list(page: Page) -> Any:
    return page.locator("#rows td.cost")


def test_a_calls_cost_comes_with_its_settlement(page: Page, address: str, store: MemoryStore) -> None:
    trace = a_settled_call()
    store.complete_trace(replace(trace, settlement=None), Bodies(b"{}", b"{}"))
    sign_in(page, address)
    expect(costs_in_list(page)).to_have_text(["…"])
    page.locator("#rows tr").first.click()
    expect(page.get_by_text("Not settled yet.")).to_be_visible()
    store.traces[trace.project, trace.trace_id] = trace
    page.clock.run_for(REFRESH_MS)
    expect(costs_in_list(page)).to_have_text(["$0.008085"])
    expect(page.locator("#detail .bill tbody tr")).to_have_text(
        [
            f"Fresh input212{TIMES} $3$0.000636",
            f"Cache read20,480{TIMES} $0.3$0.006144",
            f"Output87{TIMES} $15$0.001305",
            "Cost$0.008085",
        ]
    )
    expect(page.get_by_text("Price: overrides 2026-11-01, since 2026-11-01.")).to_be_visible()


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        (a_usual_usage(), "The price of claude-sonnet-4-5 at anthropic is unknown."),
        (ABSENT, "The number of tokens is unknown."),
        (
            replace(a_usual_usage(), service_tier="scale"),
            "The price of claude-sonnet-4-5 at anthropic in the service tier scale is unknown.",
        ),
    ],
)
def test_an_unpriced_call_is_marked_with_its_reason(
    page: Page, address: str, store: MemoryStore, usage: Usage, reason: str
) -> None:
    store.complete_trace(a_settled_call(priced=False, usage=usage), Bodies())
    sign_in(page, address)
    expect(costs_in_list(page)).to_have_text(["unpriced"])
    page.locator("#rows tr").first.click()
    expect(page.locator("#detail .unknown")).to_have_text(f"unpriced {reason}")


def test_a_partly_priced_call_names_what_has_no_price(page: Page, address: str, store: MemoryStore) -> None:
    usage = Usage(UsageSource.PROVIDER, Tokens(1000, 10, audio_input=300, searches=2))
    store.complete_trace(a_settled_call(usage=usage), Bodies())
    sign_in(page, address)
    expect(costs_in_list(page)).to_have_text(["$0.00315"])
    page.locator("#rows tr").first.click()
    expect(page.locator("#detail .bill tbody tr")).to_have_text(
        [
            f"Fresh input1,000{TIMES} $3$0.003",
            f"Output10{TIMES} $15$0.00015",
            "Audio input300unpriced",
            "Web searches2unpriced",
            "Cost$0.00315",
        ]
    )
    expect(page.locator("#detail .unknown")).to_have_text(
        "partly priced No price is known of: Audio input, Web searches. The cost is that of the rest."
    )


def test_a_call_that_used_nothing_cost_nothing(page: Page, address: str, settle: Any) -> None:
    settle(a_settled_call(status=Status.UPSTREAM_ERROR, usage=ABSENT, ttft_ms=None))
    sign_in(page, address)
    expect(costs_in_list(page)).to_have_text(["$0"])
    page.locator("#rows tr").first.click()
    expect(page.get_by_text("$0: no tokens were used.")).to_be_visible()


def test_a_price_without_a_first_day_shows_none(page: Page, address: str, store: MemoryStore) -> None:
    trace = settled(replace(a_settled_call(), settlement=None), one_price(replace(CARD, valid_from=ALWAYS)), NOW)
    store.complete_trace(trace, Bodies())
    sign_in(page, address)
    page.locator("#rows tr").first.click()
    expect(page.get_by_text("Price: overrides 2026-11-01.")).to_be_visible()


@pytest.mark.parametrize(
    ("tokens", "cost"),
    [
        (Tokens(0, 0, cache_write_1h=1), "$0.000000000001"),
        (Tokens(10**12 + 1, 0), "$3,000,000.000003"),
        (Tokens(0, 10**12), "$15,000,000"),
    ],
)
def test_amounts_are_exact(page: Page, address: str, store: MemoryStore, tokens: Tokens, cost: str) -> None:
    store.complete_trace(a_settled_call(usage=Usage(UsageSource.PROVIDER, tokens)), Bodies())
    sign_in(page, address)
    expect(costs_in_list(page)).to_have_text([cost])
    page.locator("#rows tr").first.click()
    expect(page.locator("#detail .bill .money")).to_have_text([cost, cost])


def test_decimal_points_are_aligned(page: Page, address: str, settle: Any) -> None:
    settle(*(a_settled_call(usage=Usage(UsageSource.PROVIDER, Tokens(n, 0))) for n in (1, 1000, 10**6, 1234)))
    sign_in(page, address)
    expect(costs_in_list(page)).to_have_count(4)
    lefts = page.evaluate(
        "[...document.querySelectorAll('#rows .fraction')].map((part) => Math.round(part.getBoundingClientRect().left))"
    )
    assert len(set(lefts)) == 1


def test_tasks_with_their_costs(page: Page, address: str, settle: Any) -> None:
    settle(
        *(a_settled_call() for _ in range(3)),
        a_settled_call(priced=False),
        a_settled_call("triage", priced=False),
    )
    rows = open_tasks(page, address)
    expect(rows.nth(0).locator("td:not(.seen)")).to_have_text(
        ["booking1 unpriced", "$0.024255", "4", "0", "82,768 → 348"]
    )
    expect(rows.nth(1).locator("td:not(.seen)")).to_have_text(["triage", "unpriced", "1", "0", "20,692 → 87"])
    expect(page.get_by_role("link", name="Tasks")).to_have_attribute("aria-current", "page")


def test_a_tasks_costs_by_day_hour_and_month(page: Page, address: str, settle: Any) -> None:
    settle(
        a_settled_call(),
        a_settled_call(started_at=NOW - timedelta(days=2)),
        a_settled_call(started_at=NOW - timedelta(days=100)),
    )
    rows = open_tasks(page, address)
    rows.first.click()
    panel = page.get_by_label("The task", exact=True)
    for name, total, slots in (
        ("30 days", "$0.01617", 30),
        ("24 hours", "$0.008085", 24),
        ("12 months", "$0.024255", 12),
    ):
        panel.get_by_role("button", name=name).click()
        expect(panel.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        expect(panel.locator(".sum")).to_have_text(total)
        expect(panel.get_by_role("slider")).to_have_attribute("aria-valuemax", str(slots))
        expect(panel.locator(".plot .priced")).to_have_count(slots)


def test_the_chart_works_with_keyboard_pointer_and_screen_reader(page: Page, address: str, settle: Any) -> None:
    settle(a_settled_call(), a_settled_call(started_at=NOW - timedelta(days=1), priced=False))
    open_tasks(page, address).first.click()
    chart, readout = page.get_by_role("slider", name="Cost by day"), page.locator(".readout")
    today, yesterday = (f"{day:%-d %b}" for day in (NOW, NOW - timedelta(days=1)))
    expect(readout).to_have_text(f"{today}: $0.008085, 1 call")
    chart.focus()
    page.keyboard.press("ArrowLeft")
    expect(readout).to_have_text(f"{yesterday}: cost unknown, 1 call, 1 unpriced")
    expect(chart).to_have_attribute("aria-valuetext", f"{yesterday}: cost unknown, 1 call, 1 unpriced")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(readout).to_have_text(re.compile(r": \$0, 0 calls$"))
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 10)
    expect(readout).to_have_text(f"{today}: $0.008085, 1 call")
    page.get_by_text("As a table").click()
    expect(page.locator("#costs .bill tbody tr")).to_have_text(
        [f"{today}$0.0080851020,692 → 87", f"{yesterday}unpriced1020,692 → 87"]
    )


def test_costs_are_updated_on_the_open_page_and_open_rows_stay_open(page: Page, address: str, settle: Any) -> None:
    settle(a_settled_call())
    rows = open_tasks(page, address)
    rows.first.click()
    page.get_by_text("As a table").click()
    settle(a_settled_call(), a_settled_call("triage"))
    page.clock.run_for(REFRESH_MS)
    expect(rows).to_have_count(2)
    expect(rows.first.locator(".cost")).to_have_text("$0.01617")
    expect(page.locator("#costs .sum")).to_have_text("$0.01617")
    expect(page.locator("#costs .bill")).to_be_visible()


@pytest.mark.parametrize("task_id", [SCRIPT, "a/b c", "100%", "💶 ä?x=1"])
def test_a_task_of_any_name_opens_by_keyboard_and_by_its_address(
    page: Page, address: str, settle: Any, task_id: str
) -> None:
    settle(a_settled_call(task_id))
    rows = open_tasks(page, address)
    expect(rows).to_have_count(1)
    rows.first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#task-panel .sum")).to_have_text("$0.008085")
    page.reload()
    expect(page.locator("#task-panel h2")).to_have_text(task_id)
    expect(page.locator("#task-panel .sum")).to_have_text("$0.008085")
    expect(rows).to_have_count(1)  # the row comes with a later response, and then takes the focus
    page.keyboard.press("Escape")
    expect(page.locator("#task-panel")).to_be_hidden()
    expect(rows.first).to_be_focused()


def test_a_tasks_calls_are_one_step_away_and_back(page: Page, address: str, settle: Any) -> None:
    settle(a_settled_call(), a_settled_call("triage"), a_settled_call("triage", priced=False))
    open_tasks(page, address)
    page.locator("#task-rows tr", has_text="triage").click()
    page.get_by_role("button", name="Show its calls").click()
    expect(page.locator("#rows td.task")).to_have_text(["triage", "triage"])
    page.go_back()
    expect(page.locator("#task-panel h2")).to_have_text("triage")


def test_without_calls_the_page_says_so(page: Page, address: str, settle: Any) -> None:
    open_tasks(page, address)
    expect(page.get_by_text("No costs yet")).to_be_visible()
    settle(a_settled_call())
    page.clock.run_for(REFRESH_MS)
    expect(page.get_by_text("No costs yet")).to_be_hidden()
    expect(page.locator("#task-rows tr")).to_have_count(1)


def test_forgetting_the_key_forgets_the_costs(page: Page, address: str, settle: Any) -> None:
    settle(a_settled_call())
    open_tasks(page, address).first.click()
    expect(page.locator("#task-panel .sum")).to_have_text("$0.008085")
    page.get_by_role("button", name="Forget key").click()
    expect(page.get_by_label("Gateway key")).to_be_focused()
    assert page.locator("#task-rows tr, #task-panel *").count() == 0


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1600])
def test_fits_every_width(page: Page, address: str, settle: Any, width: int) -> None:
    settle(a_settled_call("a-task-with-a-name-" * 6), a_settled_call("a-task-with-a-name-" * 6, priced=False))
    page.set_viewport_size({"width": width, "height": 800})
    rows = open_tasks(page, address)
    expect(rows).to_have_count(1)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0
    expect(page.get_by_role("button", name="Forget key")).to_be_in_viewport(ratio=1)
    rows.first.click()
    page.get_by_text("As a table").click()
    assert page.evaluate(overflow) <= 0
    assert page.evaluate("[document.getElementById('task-panel')].map((at) => at.scrollWidth - at.clientWidth)[0]") <= 0
