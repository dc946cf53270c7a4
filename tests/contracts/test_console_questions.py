"""What an owner asks a week later, each in one request, of calls that the real aggregator has settled."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from console.app import create_app
from console.assembly import dynamodb_queries
from console.observability import logger
from console.page import load_page
from console.reads import Reads
from console.settings import Settings
from switchboard.domain.dimensions import Dimension
from switchboard.domain.rates import usd
from switchboard.domain.trace import Failure, Status, Trace, Turn
from switchboard.store import key_items
from switchboard.store.attributes import encode_item
from switchboard.store.ledger.totals import DynamoTotals
from switchboard.store.search import facet_reader
from testkit.console_document import CheckedClient
from testkit.conversations import Talks, finished_call
from testkit.samples import NOON, a_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

WEEK_LATER = NOON + timedelta(days=7)


@pytest.fixture
def talks(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Talks:
    return Talks(dynamodb, dynamodb_endpoint, table)


@pytest.fixture
def console(talks: Talks) -> Iterator[CheckedClient]:
    talks.store.put_key(a_key("sb-one"))
    project = {**key_items.project_item("acme"), "dimensions_since": NOON.date().isoformat()}
    talks.client.put_item(TableName=talks.table, Item=encode_item(project))
    totals = DynamoTotals(talks.client, talks.table)
    reads = Reads(talks.store, totals, now=lambda: WEEK_LATER)
    queries = dynamodb_queries(talks.client, Settings(talks.table), totals, lambda: WEEK_LATER)
    app = create_app(reads, load_page(), logger(), queries)
    with CheckedClient(app, headers={"authorization": "Bearer sb-one"}) as client:
        yield client


@pytest.fixture
def calls(talks: Talks) -> list[Trace]:
    """Thirty settled calls of six conversations, as they are stored, oldest first."""
    random = Random(3)
    done = [a_call(number, random) for number in range(30)]
    for call in random.sample(done, len(done)):
        talks.put(call)
    talks.settle(*random.sample(done, len(done)))
    return [talks.stored(call) for call in done]


def a_call(number: int, random: Random) -> Trace:
    failed = number % 7 == 0
    call = finished_call(number, f"conv/{number % 6}", ttft_ms=random.uniform(100, 900))
    return replace(
        call,
        metadata={**call.metadata, "caller-id": f"+4930{number % 4}", "call-duration-secs": str(60 + number)},
        status=Status.TIMEOUT if failed else Status.OK,
        failure=Failure("first_token_late", "No target answered.", 504) if failed else None,
        turn=Turn(f"{number // 2:024x}", number % 2, "t"),
        environment=random.choice(["production", "staging"]),
    )


def ask(console: CheckedClient, path: str, **asked: str) -> Any:
    answer = console.get(path, params={name.rstrip("_"): value for name, value in asked.items()} or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def cost_of(calls: list[Trace]) -> str:
    return usd(sum(call.settlement.cost_pico_usd or 0 for call in calls if call.settlement))


def ids_of(calls: list[Trace]) -> list[str]:
    return [call.trace_id for call in calls]


def found(page: Any) -> list[str]:
    return [trace["trace_id"] for trace in page["traces"]]


def test_what_did_this_caller_cost(console: CheckedClient, calls: list[Trace]) -> None:
    theirs = [call for call in calls if call.metadata["caller-id"] == "+49302"]
    total = ask(console, "/api/costs", caller="+49302")["total"]
    assert (total["calls"], total["cost_usd"]) == (len(theirs), cost_of(theirs))
    assert total["cost_usd"] != "0"


def test_what_failed(console: CheckedClient, calls: list[Trace]) -> None:
    failed = [call for call in calls if call.status is Status.TIMEOUT]
    page = ask(console, "/api/traces", status="timeout")
    assert found(page) == ids_of(failed[::-1])
    assert {trace["error"]["code"] for trace in page["traces"]} == {"first_token_late"}
    assert page["next_cursor"] is None


def test_show_me_a_conversation_in_order(console: CheckedClient, calls: list[Trace]) -> None:
    theirs = [call for call in calls if call.metadata["conversation-id"] == "conv/3"]
    shown = ask(console, "/api/conversations/conv%2F3")
    assert found(shown) == ids_of(theirs)
    assert (shown["calls"], shown["cost_usd"]) == (len(theirs), cost_of(theirs))
    assert (shown["turns"], shown["retries"]) == (0, 5)
    assert (shown["call_duration_s"], shown["duration_ms"]) == (87, 87_000)
    assert shown["worst_ttft_ms"] == max(call.ttft_ms or 0 for call in theirs)
    assert (shown["is_thread"], shown["next_cursor"]) == (False, None)


def test_a_conversations_calls_in_pages(console: CheckedClient, calls: list[Trace]) -> None:
    first = ask(console, "/api/conversations/conv%2F3", limit="3")
    rest = ask(console, "/api/conversations/conv%2F3", limit="3", cursor=first["next_cursor"])
    theirs = [call for call in calls if call.metadata["conversation-id"] == "conv/3"]
    assert (found(first) + found(rest), rest["next_cursor"]) == (ids_of(theirs), None)


def test_conversations_come_newest_first_call_first(console: CheckedClient, calls: list[Trace]) -> None:
    names = [f"conv/{number}" for number in range(6)]
    page = ask(console, "/api/conversations", limit="4")
    rest = ask(console, "/api/conversations", limit="4", cursor=page["next_cursor"])
    shown = [*page["conversations"], *rest["conversations"]]
    assert [each["conversation_id"] for each in shown] == names[::-1]
    assert sum(each["calls"] for each in shown) == len(calls)
    later = ask(console, "/api/conversations", from_=calls[4].started_at.isoformat())
    assert [each["conversation_id"] for each in later["conversations"]] == names[:3:-1]


@pytest.mark.parametrize(("sort", "field"), [("slowest", "ttft_ms"), ("dearest", "cost_usd")])
def test_the_slowest_and_the_dearest_calls_come_first(
    console: CheckedClient, calls: list[Trace], sort: str, field: str
) -> None:
    page = ask(console, "/api/traces", sort=sort)
    values = [float(trace[field]) for trace in page["traces"]]
    assert values == sorted(values, reverse=True)
    assert set(found(page)) == {call.trace_id for call in calls if call.status is Status.OK}


def test_filters_apply_together(console: CheckedClient, calls: list[Trace]) -> None:
    alike = [
        call
        for call in calls
        if (call.environment, call.metadata["caller-id"], call.status) == ("staging", "+49301", Status.OK)
    ]
    name = alike[0].metadata["conversation-id"]
    some = [call for call in alike if call.metadata["conversation-id"] == name]
    path = f"/api/traces?environment=staging&status=ok&metadata=caller-id:%2B49301&metadata=conversation-id:{name}"
    assert found(ask(console, path)) == ids_of(some[::-1])


def test_facets_have_the_values_by_calls(console: CheckedClient, calls: list[Trace]) -> None:
    shown = ask(console, "/api/facets")
    facets = {facet["name"]: facet for facet in shown["facets"]}
    assert list(facets) == [dimension.value for dimension in Dimension]
    counted = Counter(call.environment for call in calls)
    values = facets["environment"]["values"]
    assert {each["value"]: each["calls"] for each in values} == counted
    assert values[0]["calls"] == max(counted.values())
    assert facets["status"]["values"][0] == {"value": "ok", "calls": 25}
    assert facets["task"]["truncated"] is False
    assert shown["dimensions_since"] == "2026-11-20"
    before = ask(console, "/api/facets", from_="2026-01-01", to="2026-02-01")
    assert all(facet["values"] == [] for facet in before["facets"])


def test_facets_of_more_rows_than_are_read_are_refused(
    console: CheckedClient,
    calls: list[Trace],  # noqa: ARG001 - so that there are rows
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facet_reader, "MAX_READ_ROWS", 3)
    answer = console.get("/api/facets")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "from")


def test_a_conversation_without_settled_calls_is_unknown(talks: Talks, console: CheckedClient) -> None:
    talks.call()
    answer = console.get("/api/conversations/conv_1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "conversation_unknown")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("status=failed", "status"),
        ("sort=best", "sort"),
        ("metadata=team:a", "metadata"),
        ("metadata=caller-id", "metadata"),
        ("metadata=caller-id:", "metadata"),
        ("metadata=caller-id:1&metadata=caller-id:2", "metadata"),
        ("sort=slowest&status=timeout", "status"),
        ("status=timeout&cursor=nonsense", "cursor"),
        ("environment=a&environment=b", "environment"),
    ],
)
def test_a_search_that_cannot_be_is_refused_by_its_parameter(console: CheckedClient, query: str, param: str) -> None:
    answer = console.get(f"/api/traces?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_an_invalid_cursor_of_conversations_is_refused(talks: Talks, console: CheckedClient) -> None:
    talks.settle(talks.call())
    for path in ("/api/conversations", "/api/conversations/conv_1"):
        answer = console.get(path, params={"cursor": "nonsense"})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "cursor")
