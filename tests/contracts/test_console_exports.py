"""The export of calls over each store."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any, Protocol

import pytest

from console.app import create_app
from console.assembly import _NoTotals
from console.observability import logger
from console.page import load_page
from console.reads import Reads
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store.ports import KeyStore, PolicyStore, TraceStore
from testkit import openai_events as events
from testkit.console_document import CheckedClient
from testkit.samples import NOON, a_key, an_open_trace

pytestmark = pytest.mark.thorough

STREAM = events.role() + events.chunk("Hal") + events.chunk("lo") + events.finish() + events.DONE
PATH = "/api/exports"


class Store(KeyStore, PolicyStore, TraceStore, Protocol):
    """All ports in one."""


@pytest.fixture
def clock() -> list[float]:
    """How many seconds pass between two looks at the clock."""
    return [0.0]


@pytest.fixture
def console(store: Store, clock: list[float]) -> Iterator[CheckedClient]:
    """A client of the console on that store."""
    store.put_key(a_key("sb-one"))
    ticks = count()
    reads = Reads(store, _NoTotals(), monotonic=lambda: next(ticks) * clock[0])
    with CheckedClient(create_app(reads, load_page(), logger()), headers={"authorization": "Bearer sb-one"}) as client:
        yield client


def complete(store: Store, second: int = 0, text: str = "Hello?", stream: bytes = STREAM, **fields: Any) -> Trace:
    """A finished call."""
    trace = replace(an_open_trace(started_at=NOON + timedelta(seconds=second)), status=Status.OK, **fields)
    request = {"messages": [{"role": "user", "content": text}]}
    store.complete_trace(trace, Bodies(json.dumps(request).encode(), stream))
    return trace


def lines_of(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/jsonl"
    return [json.loads(line) for line in answer.text.split("\n")[:-1]]


def test_calls_are_exported_newest_first_in_both_formats(store: Store, console: CheckedClient) -> None:
    old, new = complete(store, 0, "a"), complete(store, 1, "b")
    said = {"role": "assistant", "content": "Hallo"}
    catalyst = lines_of(console.get(PATH))
    assert [line["request"]["messages"][0]["content"] for line in catalyst] == ["b", "a"]
    assert catalyst[0]["response"]["choices"][0]["message"] == said
    assert lines_of(console.get(f"{PATH}?format=messages")) == [
        {"messages": [{"role": "user", "content": text}, said], "id": trace.trace_id, "tools": []}
        for trace, text in ((new, "b"), (old, "a"))
    ]


def test_what_has_no_line_is_counted(store: Store, console: CheckedClient) -> None:
    complete(store)
    complete(store, is_zero_retention=True)
    complete(store, stream=b"")
    complete(store, stream=b"data: {}\n\n")
    store.open_trace(an_open_trace())
    answer = console.get(f"{PATH}?format=messages")
    counts = {
        name: answer.headers[f"x-switchboard-{name}"] for name in ("exported", "without-bodies", "zero-retention")
    }
    assert counts == {"exported": "1", "without-bodies": "2", "zero-retention": "1"}
    assert answer.headers["x-switchboard-without-answer"] == "1"
    assert "x-switchboard-next-cursor" not in answer.headers
    assert "x-switchboard-too-long" not in answer.headers


def test_filters_apply(store: Store, console: CheckedClient) -> None:
    complete(store, 0, "a", task_id="booking")
    complete(store, 60, "b", task_id="booking")
    complete(store, 60, "c", task_id="other")
    answer = console.get(PATH, params={"task_id": "booking", "from": (NOON + timedelta(seconds=30)).isoformat()})
    assert [line["request"]["messages"][0]["content"] for line in lines_of(answer)] == ["b"]


def test_a_large_export_comes_in_parts_of_4_mb_that_lambda_takes(store: Store, console: CheckedClient) -> None:
    # Quotation marks: each takes three bytes in the line's own escape, and more in Lambda's response.
    texts = [f"{n}" + '"' * 500_000 for n in range(4)] + ["x" * 1_500_000]
    for second, text in enumerate(texts):
        complete(store, second, text)
    said, cursor, parts = [], None, 0
    while cursor != "":
        answer = console.get(PATH, params={"cursor": cursor} if cursor else {})
        assert len(answer.content) <= 4 * 1024 * 1024
        assert len(json.dumps(answer.text, ensure_ascii=False)) <= 6_200_000
        said += [line["request"]["messages"][0]["content"] for line in lines_of(answer)]
        cursor, parts = answer.headers.get("x-switchboard-next-cursor", ""), parts + 1
    assert said == texts[::-1]
    assert 2 <= parts <= 4


def test_a_line_that_is_too_long_is_named(store: Store, console: CheckedClient) -> None:
    long = complete(store, 0, "x" * 4_300_000)
    complete(store, 1)
    answer = console.get(PATH)
    assert len(lines_of(answer)) == 1
    assert answer.headers["x-switchboard-too-long"] == long.trace_id
    assert "x-switchboard-next-cursor" not in answer.headers
    assert len(console.get(f"/api/traces/{long.trace_id}/request").content) > 4_300_000


def test_an_answer_ends_after_20_seconds_with_a_cursor(
    store: Store, console: CheckedClient, clock: list[float]
) -> None:
    for second in range(5):
        complete(store, second, f"{second}")
    clock[0] = 9.0
    first = console.get(PATH)
    clock[0] = 0.0
    rest = console.get(PATH, params={"cursor": first.headers["x-switchboard-next-cursor"]})
    said = [[line["request"]["messages"][0]["content"] for line in lines_of(answer)] for answer in (first, rest)]
    assert said == [["4", "3", "2"], ["1", "0"]]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("format=csv", "format"),
        ("cursor=x", "cursor"),
        ("cursor=.x", "cursor"),
        ("limit=1", "limit"),
        ("from=x", "from"),
    ],
)
def test_a_wrong_parameter_is_named(console: CheckedClient, query: str, param: str) -> None:
    answer = console.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_an_export_needs_a_key_that_reads(store: Store, console: CheckedClient) -> None:
    complete(store)
    assert console.get(PATH, headers={"authorization": "Bearer sb-other"}).status_code == 401
    store.put_key(a_key("sb-two", project="other"))
    assert lines_of(console.get(PATH, headers={"authorization": "Bearer sb-two"})) == []
