"""The console's OpenAPI document is true: it has what the answers have, and nothing else."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from console.app import create_app
from console.observability import logger
from console.page import load_page
from console.prices import Prices
from console.queries import Queries
from console.reads import Reads
from switchboard.domain.conversation import Conversation, ConversationCalls, ConversationPage
from switchboard.domain.dimensions import CallerDay, CombinationDay, Dimension, Latency, LatencyDay
from switchboard.domain.histogram import Histogram
from switchboard.domain.policy import ProjectPolicies
from switchboard.domain.price_book import BookMark
from switchboard.domain.price_fields import PRICES
from switchboard.domain.price_json import parse_price
from switchboard.domain.search_terms import DEFAULT_METADATA
from switchboard.domain.totals import PeriodTotals, TaskTotals, Totals
from switchboard.domain.trace import Bodies, Trace
from switchboard.domain.trace_search import Facet, FoundTraces
from testkit.console_document import CheckedClient
from testkit.filled import filled
from testkit.memory_prices import MemoryBook, MemoryPrices
from testkit.memory_store import MemoryStore
from testkit.samples import NOON, a_key, an_open_trace

TRACE_ID = "019aa0e3-0000-7000-8000-000000000000"
POLICY = {
    "provider": "openai",
    "fallback": ["groq/llama", {"target": "openai/gpt-5", "ttft_timeout_ms": 900}],
    "max_attempts": 2,
    "ttft_timeout_ms": 800,
    "plan_timeout_ms": 5000,
    "hedge_after_ms": "p95",
    "buffer_words": {"text": "Hm.", "after_ms": 700},
    "zero_retention": True,
    "allowed_targets": ["openai"],
    "recognise_retries": True,
}
AMOUNTS = dict.fromkeys(PRICES, "1")
TIERS = [{"above": 1000, **AMOUNTS}]
PRICE = {
    "provider": "openai",
    "model": "gpt-4o",
    "from": "2026-11-01T00:00:00Z",
    "until": "2027-11-01T00:00:00Z",
    **AMOUNTS,
    "tiers": TIERS,
    "variants": [
        {"service_tier": "flex", **AMOUNTS, "tiers": TIERS},
        {"region": "eu", "factor": "1.1"},
        {"speed": "fast", "factor": "2"},
    ],
}
CARD = parse_price(json.dumps(PRICE).encode())


class FilledTotals:
    """Totals with every field."""

    def task_totals(self, project: str) -> tuple[TaskTotals, ...]:  # noqa: ARG002
        return (filled(TaskTotals),)

    def period_totals(self, project: str, task_id: str, **_range: object) -> PeriodTotals:  # noqa: ARG002
        found: PeriodTotals = filled(PeriodTotals)
        return found


class FilledQueries:
    """Everything that many calls add up to, with every field."""

    metadata_names = DEFAULT_METADATA

    def dimensions_since(self, _project: str) -> date:
        return NOON.date()

    def combination_days(self, *_range: object) -> Iterator[CombinationDay]:
        yield CombinationDay(NOON.date(), dict.fromkeys(Dimension, "ok"), filled(Totals))

    def caller_days(self, *_range: object) -> Iterator[CallerDay]:
        yield CallerDay(NOON.date(), "+49", filled(Totals))

    def latency_days(self, *_range: object) -> Iterator[LatencyDay]:
        yield LatencyDay(NOON.date(), "ok", "ok", "ok", dict.fromkeys(Latency, Histogram({90: 1})))

    def list_conversations(self, *_project: object, **_range: object) -> ConversationPage:
        return ConversationPage((a_full_conversation(),), "next")

    def find_conversation(self, *_id: object) -> Conversation:
        return a_full_conversation()

    def conversation_calls(self, *_id: object, **_page: object) -> ConversationCalls:
        return ConversationCalls((a_full_trace(), an_open_trace()), "next")

    def find_traces(self, *_search: object, **_page: object) -> FoundTraces:
        return FoundTraces((a_full_trace(), an_open_trace()), "next", NOON, 1000)

    def facets(self, *_range: object) -> tuple[Facet, ...]:
        found: tuple[Facet, ...] = filled(tuple[Facet, ...])
        return found


class Kept(MemoryStore):
    """A store in which no policy of the project `other` can be read."""

    def policies(self, project: str) -> ProjectPolicies:
        """Every policy of the project."""
        unreadable = frozenset({None, "booking"}) if project == "other" else frozenset[str | None]()
        return replace(super().policies(project), unreadable=unreadable)


@pytest.fixture
def store() -> MemoryStore:
    """A call with every field, and one that has just begun."""
    store = Kept(a_key("sb-one"), a_key("sb-two", project="other"))
    store.complete_trace(a_full_trace(), Bodies(b"{}", b"{}"))
    store.open_trace(an_open_trace())
    return store


@pytest.fixture
def console(store: MemoryStore) -> CheckedClient:
    one = FilledQueries()
    book = MemoryBook(BookMark("library 1", ("openai",), 1, NOON), [CARD])
    prices = Prices(MemoryPrices(), book, lambda: NOON)
    app = create_app(Reads(store, FilledTotals()), load_page(), logger(), Queries(one, one, one, one), prices)
    return CheckedClient(app, headers={"authorization": "Bearer sb-one"})


def a_full_trace() -> Trace:
    trace: Trace = filled(Trace)
    return replace(trace, project="acme", trace_id=TRACE_ID)


def a_full_conversation() -> Conversation:
    found: Conversation = filled(Conversation)
    return replace(found, facts=replace(found.facts, first_id=TRACE_ID, last_id=TRACE_ID))


def requests() -> list[tuple[str, str, object]]:
    """One request for each route and each shape of its answer: method, path, body."""
    trace = f"/api/traces/{a_full_trace().trace_id}"
    return [
        ("GET", "/api/traces?limit=1", None),
        ("GET", "/api/traces", None),
        ("GET", "/api/traces?status=timeout&metadata=agent-id:a&metadata=caller-id:b&sort=newest", None),
        ("GET", "/api/conversations", None),
        ("GET", "/api/conversations/a%2Fb", None),
        ("GET", "/api/facets", None),
        ("GET", trace, None),
        ("GET", f"{trace}/request", None),
        ("GET", f"{trace}/response", None),
        ("GET", f"/api/costs?group_by={','.join(Dimension)},day", None),
        ("GET", "/api/costs?group_by=task,month&latency=true", None),
        ("GET", "/api/costs?group_by=caller", None),
        ("GET", "/api/costs?task=ok&group_by=hour", None),
        ("GET", "/api/tasks", None),
        ("GET", "/api/tasks/booking/costs", None),
        ("GET", "/api/exports?format=messages", None),
        ("PUT", "/api/policy", POLICY),
        ("GET", "/api/policy", None),
        ("PUT", "/api/tasks/a%2Fb/policy", POLICY),
        ("GET", "/api/tasks/a%2Fb/policy", None),
        ("POST", "/api/prices", PRICE),
        ("GET", "/api/prices", None),
        ("GET", "/api/prices?provider=openai&model=gpt-4o&limit=1", None),
        ("GET", "/api/prices/elevenlabs", None),
        ("DELETE", f"/api/prices/{CARD.entry_id}", None),
        ("DELETE", "/api/policy", None),
        ("DELETE", "/api/tasks/a%2Fb/policy", None),
    ]


def test_every_field_of_every_answer_is_declared_and_every_declared_one_comes(console: CheckedClient) -> None:
    for method, path, body in requests():
        answer = console.request(method, path, json=body)
        assert answer.status_code in {200, 201, 204}, answer.text
    assert console.get("/api/traces/nothing").status_code == 404
    for path in ("/api/policy", "/api/tasks/booking/policy"):
        assert console.get(path, headers={"authorization": "Bearer sb-two"}).json()["policy"] is None
    assert console.document.seen == console.document.declared()


def test_every_route_is_declared_and_asked_here(console: CheckedClient) -> None:
    document = console.get("/api/openapi.json").json()
    assert document["paths"] == console.document.paths
    asked = {(method.lower(), template_of(console, method.lower(), path)) for method, path, _body in requests()}
    assert asked == set(console.document.operations())


def test_the_document_needs_no_key_and_declares_the_key_for_the_rest(console: CheckedClient) -> None:
    answer = console.get("/api/openapi.json", headers={"authorization": ""})
    assert (answer.status_code, answer.json()["openapi"]) == (200, "3.1.0")
    assert all(operation["security"] for operation in console.document.operations().values())


def test_every_shape_that_the_document_names_is_in_it(console: CheckedClient) -> None:
    document = console.get("/api/openapi.json").json()
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert named == set(document["components"]["schemas"])


def test_the_document_tells_what_a_new_price_needs(console: CheckedClient) -> None:
    body = console.document.operations()["post", "/api/prices"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == set(PRICE)
    assert set(body["required"]) == {"provider", "model", "from", "input", "output"}


def test_no_error_has_fastapis_own_shape(console: CheckedClient) -> None:
    assert "HTTPValidationError" not in console.get("/api/openapi.json").text
    assert all("422" not in operation["responses"] for operation in console.document.operations().values())


def test_an_answer_that_differs_from_the_document_is_noticed(console: CheckedClient) -> None:
    for changed in ({"tasks": [], "more": 1}, {}, {"tasks": None}):
        answer = console.get("/api/tasks")
        answer._content = json.dumps(changed).encode()
        with pytest.raises(AssertionError):
            console.document.check(answer)


def template_of(console: CheckedClient, method: str, path: str) -> str:
    found = console.document.template_of(path.partition("?")[0])
    assert (method, found) in console.document.operations()
    return found or ""
