import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from switchboard.domain.trace import Bodies, Failure, Status, Trace
from switchboard.store.ports import StoreUnavailable
from testkit import openai_events as events
from testkit.memory_store import MemoryStore
from testkit.samples import a_key, a_usual_attempt, a_usual_usage, an_open_trace

pytestmark = pytest.mark.browser

REFRESH_MS = 4000
NOW = datetime.now(UTC).replace(microsecond=0)
STREAM = events.role() + events.chunk("Yes, table seven ") + events.chunk("is free.") + events.finish() + events.DONE
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def a_finished_trace(task_id: str = "booking", seconds_ago: float = 5, **changes: Any) -> Trace:
    done = replace(
        an_open_trace(task_id=task_id, started_at=NOW - timedelta(seconds=seconds_ago)),
        status=Status.OK,
        ttft_ms=415.367,
        duration_ms=1843.712,
        gateway_ms=3.117,
        queue_ms=11.0,
        usage=a_usual_usage(),
        finish_reason="stop",
        attempts=(a_usual_attempt(),),
    )
    return replace(done, **changes)


def request_of(*messages: dict[str, object], **parameters: object) -> bytes:
    return json.dumps({"model": "claude-sonnet-4-5", "messages": messages, **parameters}).encode()


def keep(store: MemoryStore, *traces: Trace, request: bytes | None = None, response: bytes | None = None) -> None:
    for trace in traces:
        store.complete_trace(trace, Bodies(request, response))


def sign_in(page: Page, address: str, key: str = "sb-one") -> None:
    page.goto(address)
    page.get_by_label("Gateway key").fill(key)
    page.get_by_role("button", name="Open").click()


def rows(page: Page) -> Any:
    return page.locator("#rows tr")


def live(page: Page) -> None:
    """Move the page's clock to its next poll of the API."""
    page.clock.run_for(REFRESH_MS)


def test_a_key_opens_the_calls_and_travels_in_the_header_only(page: Page, address: str, store: MemoryStore) -> None:
    keep(store, a_finished_trace())
    asked: list[Request] = []
    # Playwright sets an attribute on the handler, which a list's own method does not allow.
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108
    sign_in(page, address)
    cells = ["booking", "claude-sonnet-4-5", "ok", "415 ms", "1.84 s", "20,692 → 87", "…", "1"]
    expect(rows(page).first.locator("td:not(.time)")).to_have_text(cells)
    expect(page.locator("#project")).to_have_text("acme")
    assert any(request.header_value("authorization") == "Bearer sb-one" for request in asked)
    assert not [request.url for request in asked if "sb-one" in request.url]
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


def test_the_key_is_kept_for_the_tab_until_it_is_removed(page: Page, address: str, store: MemoryStore) -> None:
    keep(store, a_finished_trace())
    sign_in(page, address)
    expect(rows(page)).to_have_count(1)
    page.reload()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Forget key").click()
    expect(page.get_by_label("Gateway key")).to_be_focused()
    expect(rows(page)).to_have_count(0)
    assert page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize(
    ("key", "said"), [("sb-none", "There is no key key_"), ("not a key…", "This is not a gateway key")]
)
def test_a_key_that_is_refused_shows_the_reason(page: Page, address: str, key: str, said: str) -> None:
    sign_in(page, address, key)
    expect(page.get_by_role("alert").first).to_contain_text(said)
    expect(page.get_by_label("Gateway key")).to_be_visible()


def test_a_revoked_key_leads_back_to_the_key_form(page: Page, address: str, store: MemoryStore) -> None:
    keep(store, a_finished_trace())
    sign_in(page, address)
    expect(rows(page)).to_have_count(1)
    store.put_key(replace(a_key("sb-one"), revoked_at=NOW))
    live(page)
    expect(page.get_by_role("alert").first).to_contain_text("was revoked")
    expect(rows(page)).to_have_count(0)


def test_a_call_in_detail(page: Page, address: str, store: MemoryStore) -> None:
    late = replace(a_usual_attempt(), provider="openai", outcome="FirstTokenLate", error="no content within 2000 ms")
    trace = a_finished_trace(
        attempts=(late, a_usual_attempt()),
        notes=("max_tokens -1 dropped",),
        failure=Failure("upstream_cut", "The answer ended early.", 502),
    )
    call = {"id": "call_1", "type": "function", "function": {"name": "find_table", "arguments": '{"people":4}'}}
    request = request_of(
        {"role": "system", "content": "You are a receptionist. " * 100},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"free": true}'},
        {"role": "user", "content": [{"type": "text", "text": "A table for four?"}]},
        tools=[{"type": "function", "function": {"name": "find_table"}}],
    )
    keep(store, trace, request=request, response=STREAM)
    sign_in(page, address)
    rows(page).first.click()
    detail = page.get_by_label("The call", exact=True)
    expect(detail.locator(".legend li")).to_have_text(
        ["Queue11 ms", "Gateway3.1 ms", "To first token412 ms", "Answer1.43 s"]
    )
    expect(detail.locator(".attempt")).to_have_count(2)
    expect(detail.locator(".error")).to_contain_text("The answer ended early.")
    for text in ("max_tokens -1 dropped", "no content within 2000 ms", "20,480", "conv_01jzq8", trace.trace_id):
        expect(detail).to_contain_text(text)
    expect(detail.locator(".message .role")).to_have_text(
        ["system", "assistant", re.compile("tool.*call_1"), "user", "assistant"]
    )
    expect(detail.locator(".message").nth(1)).to_contain_text('"people": 4')
    expect(detail.locator(".message").nth(4)).to_contain_text("Yes, table seven is free.")
    expect(detail.get_by_text("1 tools: find_table")).to_be_visible()


def test_a_call_opens_by_keyboard_and_by_its_address(page: Page, address: str, store: MemoryStore) -> None:
    trace = a_finished_trace()
    keep(store, trace, response=STREAM)
    sign_in(page, address)
    rows(page).first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#detail .message")).to_have_count(1)
    page.reload()
    expect(page.locator("#detail .trace-id")).to_have_text(trace.trace_id)
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(rows(page).first).to_be_focused()


def test_nothing_that_a_caller_sent_is_ever_run(page: Page, address: str, store: MemoryStore) -> None:
    trace = a_finished_trace(
        task_id=SCRIPT,
        model=SCRIPT,
        provider=SCRIPT,
        environment=SCRIPT,
        metadata={SCRIPT: SCRIPT},
        finish_reason=SCRIPT,
        notes=(SCRIPT,),
        attempts=(replace(a_usual_attempt(), host=SCRIPT, error=SCRIPT, outcome=SCRIPT),),
        failure=Failure(SCRIPT, SCRIPT, 502),
    )
    request = request_of({"role": SCRIPT, "content": SCRIPT}, {"role": "user", "content": SCRIPT}, tools=[SCRIPT])
    keep(store, trace, request=request, response=events.chunk(SCRIPT) + events.DONE)
    sign_in(page, address)
    expect(rows(page).first.locator(".task")).to_have_text(SCRIPT)
    rows(page).first.click()
    expect(page.locator("#detail .message .said")).to_have_text([SCRIPT, SCRIPT, SCRIPT])
    expect(page.locator("#detail h2")).to_have_text(SCRIPT)
    assert page.locator("#calls script, #calls img").count() == 0


@pytest.mark.parametrize(
    "body",
    [b"no json", b'"text"', b"[1]", b"null", b'{"messages": [null, 1, {"role": 5, "content": {"a": 1}}]}', b"\xff"],
)
def test_any_body_can_be_shown(page: Page, address: str, store: MemoryStore, body: bytes) -> None:
    keep(store, a_finished_trace(), request=body, response=body)
    sign_in(page, address)
    rows(page).first.click()
    expect(page.get_by_role("button", name="Save response")).to_be_visible()


def test_older_calls_come_page_by_page_and_stay(page: Page, address: str, store: MemoryStore) -> None:
    traces = [a_finished_trace(seconds_ago=number + 1) for number in range(120)]
    keep(store, *traces)
    sign_in(page, address)
    older = page.get_by_role("button", name="Older calls")
    for count in (50, 100):
        expect(rows(page)).to_have_count(count)
        older.click()
    expect(rows(page)).to_have_count(120)
    expect(older).to_be_hidden()
    newest = a_finished_trace(seconds_ago=0)
    keep(store, newest)
    live(page)
    expect(rows(page)).to_have_count(121)
    shown = page.evaluate("[...document.querySelectorAll('#rows tr')].map((row) => row.dataset.trace)")
    assert shown == [trace.trace_id for trace in [newest, *traces]]


def test_after_many_new_calls_the_list_is_reloaded_without_a_gap(page: Page, address: str, store: MemoryStore) -> None:
    keep(store, a_finished_trace("old", seconds_ago=1000))
    sign_in(page, address)
    expect(rows(page)).to_have_count(1)
    keep(store, *(a_finished_trace("new", seconds_ago=number) for number in range(60)))
    live(page)
    expect(rows(page)).to_have_count(50)
    page.get_by_role("button", name="Older calls").click()
    expect(rows(page)).to_have_count(61)


def test_filters_by_task_and_by_time(page: Page, address: str, store: MemoryStore) -> None:
    keep(store, a_finished_trace("booking"), a_finished_trace("triage"), a_finished_trace("booking", 7200))
    sign_in(page, address)
    expect(rows(page)).to_have_count(3)
    page.get_by_label("Task", exact=True).fill("booking")
    page.get_by_label("Task", exact=True).press("Enter")
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Begun").select_option("Last hour")
    expect(rows(page)).to_have_count(1)
    page.get_by_label("Task", exact=True).fill("nothing")
    page.get_by_label("Task", exact=True).press("Enter")
    expect(page.get_by_text("No calls here")).to_be_visible()


def test_filters_between_two_times(page: Page, address: str, store: MemoryStore) -> None:
    keep(store, a_finished_trace("inside", 7200), a_finished_trace("before", 14_400), a_finished_trace("after"))
    sign_in(page, address)
    page.get_by_label("Begun").select_option("Between …")
    local = [
        page.evaluate(
            "(ms) => new Date(ms - new Date(ms).getTimezoneOffset() * 60000).toISOString().slice(0, 16)",
            (NOW - timedelta(hours=hours)).timestamp() * 1000,
        )
        for hours in (3, 1)
    ]
    page.get_by_label("From").fill(local[0])
    page.get_by_label("To", exact=True).fill(local[1])
    page.get_by_label("To", exact=True).blur()
    expect(rows(page).locator(".task")).to_have_text(["inside"])
    page.get_by_label("From").fill(local[1])
    page.get_by_label("From").blur()
    expect(page.locator("#list-problem")).to_contain_text("`from` must be earlier than `to`")


def test_calls_appear_and_are_completed_on_the_open_page(page: Page, address: str, store: MemoryStore) -> None:
    sign_in(page, address)
    expect(page.get_by_text("No calls yet")).to_be_visible()
    running = an_open_trace(started_at=NOW)
    store.open_trace(running)
    live(page)
    expect(rows(page).locator(".badge")).to_have_text(["open"])
    rows(page).first.click()
    expect(page.locator("#detail .badge")).to_have_text("open")
    keep(store, replace(a_finished_trace(seconds_ago=0), trace_id=running.trace_id), response=STREAM)
    live(page)
    expect(rows(page).locator(".badge")).to_have_text(["ok"])
    expect(page.locator("#detail .message")).to_contain_text("Yes, table seven is free.")


def test_live_can_be_switched_off(page: Page, address: str, store: MemoryStore) -> None:
    keep(store, a_finished_trace())
    sign_in(page, address)
    expect(rows(page)).to_have_count(1)
    page.get_by_text("Live").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(5 * REFRESH_MS)
    assert asked == []
    page.get_by_text("Live").click()
    with page.expect_request("**/api/traces"):
        live(page)


def test_an_outage_is_shown_until_it_ends(page: Page, address: str, store: MemoryStore) -> None:
    keep(store, a_finished_trace())
    sign_in(page, address)
    expect(rows(page)).to_have_count(1)
    store.fail_with(StoreUnavailable("throttled"))
    live(page)
    expect(page.locator("#list-problem")).to_contain_text("did not respond")
    expect(rows(page)).to_have_count(1)
    store.fail_with(None)
    live(page)
    expect(page.locator("#list-problem")).to_be_hidden()


def test_the_empty_page_prints_a_first_call(page: Page, address: str) -> None:
    sign_in(page, address)
    command = page.locator("#empty pre")
    expect(command).to_contain_text(f"curl -N {address.removesuffix('/console')}/v1/chat/completions")
    expect(command).to_contain_text("Bearer $SWITCHBOARD_KEY")
    expect(command).not_to_contain_text("sb-one")


def test_the_first_call_goes_to_the_demo_where_there_is_one(page: Page, address: str) -> None:
    models = json.dumps({"data": [{"id": "gpt-4o"}, {"id": "demo/echo"}]})
    page.route("**/v1/models", lambda route: route.fulfill(body=models, content_type="application/json"))
    sign_in(page, address)
    expect(page.locator("#empty pre")).to_contain_text('"model":"demo/echo"')
    expect(page.locator("#empty pre")).not_to_contain_text("OPENAI_API_KEY")


@pytest.mark.parametrize(("which", "expected"), [("request", request_of()), ("response", STREAM)])
def test_bodies_are_saved_byte_for_byte(
    page: Page, address: str, store: MemoryStore, which: str, expected: bytes
) -> None:
    keep(store, a_finished_trace(), request=request_of(), response=STREAM)
    sign_in(page, address)
    rows(page).first.click()
    with page.expect_download() as saved:
        page.get_by_role("button", name=f"Save {which}").click()
    assert Path(saved.value.path()).read_bytes() == expected


def test_it_works_with_a_slash_at_its_end(page: Page, address: str, store: MemoryStore) -> None:
    keep(store, a_finished_trace())
    sign_in(page, f"{address}/")
    expect(rows(page)).to_have_count(1)


def test_requests_go_to_its_own_host_only(page: Page, address: str, store: MemoryStore) -> None:
    keep(store, a_finished_trace(), response=STREAM)
    answered: list[str] = []
    page.on("response", lambda answer: answered.append(answer.url))
    sign_in(page, address)
    rows(page).first.click()
    expect(page.locator("#detail .message")).to_have_count(1)
    host = address.removesuffix("/prod/console")
    assert {url.removeprefix(host)[:1] for url in answered if not url.startswith("data:")} == {"/"}


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1600])
def test_fits_every_width(page: Page, address: str, store: MemoryStore, width: int) -> None:
    attempts = (replace(a_usual_attempt(), outcome="UpstreamRejected", error="x" * 300), a_usual_attempt())
    long = a_finished_trace("a-task-with-a-name-" * 6, model="model-" * 20, attempts=attempts)
    keep(store, long, a_finished_trace(status=Status.UPSTREAM_ERROR), request=b'"' + b"w" * 3000 + b'"')
    page.set_viewport_size({"width": width, "height": 800})
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    page.goto(address)
    assert page.evaluate(overflow) <= 0
    sign_in(page, address)
    expect(rows(page)).to_have_count(2)
    assert page.evaluate(overflow) <= 0
    rows(page).last.click()
    expect(page.get_by_role("button", name="Save response")).to_be_visible()
    assert page.evaluate(overflow) <= 0
    assert page.evaluate("detail.scrollWidth - detail.clientWidth") <= 0


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_follows_the_systems_colours(browser: Browser, address: str, scheme: Any, is_dark: bool) -> None:
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(address)
        colours = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
    ground, ink = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
    assert (ground < ink) == is_dark
