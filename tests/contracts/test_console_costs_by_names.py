"""The costs of a project by any names, from a table in which a real ledger has settled the calls."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import combinations
from operator import add
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from console.app import create_app
from console.assembly import dynamodb_queries
from console.observability import logger
from console.page import load_page
from console.reads import Reads
from console.settings import Settings
from switchboard.domain.dimensions import Dimension, caller_of, combination_of
from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates, usd
from switchboard.domain.totals import ZERO, Totals, totals_of
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.usage import Tokens, Usage, UsageSource
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.group import pack
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.totals import DynamoTotals
from testkit.console_document import CheckedClient
from testkit.samples import NOON, a_key, an_open_trace, one_price

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

CARD = RateCard("any", "any", Rates(3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000), ALWAYS, "a test")
MODELS = [("openai", "gpt-5"), ("groq", "llama"), (None, None)]
BERLIN = ZoneInfo("Europe/Berlin")

type Ask = Callable[..., Any]


def a_call(random: Random) -> Trace:
    """A settled call of one of a few tasks, models, callers and hours."""
    provider, model = random.choice(MODELS)
    started_at = NOON + timedelta(hours=random.randrange(-60, 60), milliseconds=random.randrange(10**6))
    metadata = {"agent-id": "agent_1", "caller-id": f"+4930{random.randrange(3)}"} if random.random() < 0.8 else {}
    done = replace(
        an_open_trace(started_at=started_at),
        task_id=random.choice(["booking", "triage"]),
        environment=random.choice(["production", "staging"]),
        status=random.choice([Status.OK, Status.OK, Status.TIMEOUT]),
        metadata=metadata,
        provider=provider,
        model=model,
        ttft_ms=random.uniform(100, 2000),
        duration_ms=random.uniform(2000, 9000),
        usage=Usage(UsageSource.PROVIDER, Tokens(random.randrange(5000), random.randrange(300), cache_read=7)),
    )
    return settled(done, one_price(CARD if random.random() < 0.9 else None), started_at + timedelta(seconds=1))


@pytest.fixture
def calls() -> list[Trace]:
    random = Random(17)
    return [a_call(random) for _ in range(80)]


@pytest.fixture
def ask(dynamodb: "DynamoDBClient", table: str, calls: list[Trace]) -> Iterator[Ask]:
    """Asks for costs of these calls; fails unless the status is 200."""
    store = DynamoStore(dynamodb, table, retention=timedelta(days=9), clock=lambda: NOON)
    totals = DynamoTotals(dynamodb, table)
    store.put_key(a_key("sb-one"))
    for call in calls:
        store.complete_trace(replace(call, settlement=None), Bodies())
    ledger = DynamoLedger(dynamodb, table, random=Random(5))
    for group in pack(calls):
        assert len(ledger.settle(group).fresh) == len(group)
    reads = Reads(store, totals, now=lambda: NOON + timedelta(days=10))
    app = create_app(reads, load_page(), logger(), dynamodb_queries(dynamodb, Settings(table), totals))
    with CheckedClient(app, headers={"authorization": "Bearer sb-one"}) as client:
        yield lambda **asked: answered(client, asked)


def answered(client: CheckedClient, asked: dict[str, str]) -> Any:
    answer = client.get("/api/costs", params={name.rstrip("_"): value for name, value in asked.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def summed(calls: list[Trace], *names: str) -> dict[tuple[str | None, ...], Totals]:
    """The sums of calls by these names, from the calls themselves."""
    found: dict[tuple[str | None, ...], Totals] = {}
    for call in calls:
        day = call.started_at.astimezone(UTC).date().isoformat()
        known = {"caller": caller_of(call), "day": day, "month": day[:7]}
        known |= {dimension.value: value for dimension, value in combination_of(call).items()}
        key = tuple(known[name] for name in names)
        found[key] = found.get(key, ZERO) + totals_of(call)
    return found


def check(answer: Any, expected: dict[tuple[str | None, ...], Totals]) -> None:
    found = {tuple(row["group"].values()): row for row in answer["rows"]}
    assert found.keys() == expected.keys()
    for key, totals in expected.items():
        check_sums(found[key], totals)
    check_sums(answer["total"], reduce(add, expected.values(), ZERO))


def check_sums(row: Any, totals: Totals) -> None:
    assert (row["calls"], row["errors"], row["unpriced_calls"]) == (totals.calls, totals.errors, totals.unpriced_calls)
    assert (row["cost_usd"], row["saved_usd"]) == (usd(totals.cost_pico_usd), usd(totals.saved_pico_usd))
    assert row["unheard_usd"] == usd(totals.unheard_pico_usd)
    assert row["tokens"] == {name: getattr(totals, name) for name in row["tokens"]}


def test_every_combination_of_names_sums_to_the_calls(ask: Ask, calls: list[Trace]) -> None:
    names = [dimension.value for dimension in Dimension]
    for count in (1, 2, 7):
        for group_by in combinations(names, count):
            check(ask(group_by=",".join(group_by)), summed(calls, *group_by))


@pytest.mark.parametrize("period", ["day", "month"])
def test_sums_by_period_come_oldest_first(ask: Ask, calls: list[Trace], period: str) -> None:
    answer = ask(group_by=f"model,{period}")
    check(answer, summed(calls, "model", period))
    periods = [row["group"][period] for row in answer["rows"]]
    assert periods == sorted(periods)


def test_filters_apply_together(ask: Ask, calls: list[Trace]) -> None:
    some = [call for call in calls if (call.task_id, call.status, call.model) == ("booking", Status.TIMEOUT, "llama")]
    assert some
    answer = ask(task="booking", status="timeout", model="llama", group_by="environment,agent")
    check(answer, summed(some, "environment", "agent"))


def test_one_answer_says_what_a_caller_cost(ask: Ask, calls: list[Trace]) -> None:
    theirs = [call for call in calls if caller_of(call) == "+49301"]
    check(ask(caller="+49301"), summed(theirs))
    check(ask(caller="+49301", group_by="day"), summed(theirs, "day"))
    check(ask(group_by="caller"), summed([call for call in calls if caller_of(call)], "caller"))


def test_one_answer_says_which_model_is_cheapest_for_a_task(ask: Ask, calls: list[Trace]) -> None:
    ok = [call for call in calls if (call.task_id, call.status) == ("booking", Status.OK)]
    answer = ask(task="booking", status="ok", group_by="provider,model", latency="true")
    check(answer, summed(ok, "provider", "model"))
    for row in answer["rows"]:
        times = sorted(call.ttft_ms or 0 for call in ok if call.model == row["group"]["model"])
        assert row["latency"]["ttft_ms"]["count"] == len(times)
        assert row["latency"]["ttft_ms"]["p50"] == pytest.approx(times[(len(times) - 1) // 2], rel=0.03)
        assert row["latency"]["first_sentence_ms"] == {"count": 0, "p50": None, "p95": None, "p99": None}
    assert answer["total"]["latency"]["duration_ms"]["count"] == len(ok)


def test_the_days_of_a_zone_are_cut_at_its_midnights(ask: Ask, calls: list[Trace]) -> None:
    booking = [call for call in calls if call.task_id == "booking"]
    answer = ask(task="booking", group_by="day", tz="Europe/Berlin")
    expected: dict[tuple[str | None, ...], Totals] = {}
    for call in booking:
        key = (call.started_at.astimezone(BERLIN).date().isoformat(),)
        expected[key] = expected.get(key, ZERO) + totals_of(call)
    check(answer, expected)
    assert (answer["timezone"], answer["from"][11:16]) == ("Europe/Berlin", "23:00")
    assert not any("UTC days" in note for note in answer["notes"])


def test_hours_of_a_task(ask: Ask, calls: list[Trace]) -> None:
    since, until = NOON - timedelta(hours=3), NOON + timedelta(hours=30)
    some = [call for call in calls if call.task_id == "triage" and since <= call.started_at < until]
    answer = ask(task="triage", group_by="hour", from_=since.isoformat(), to=until.isoformat())
    expected: dict[tuple[str | None, ...], Totals] = {}
    for call in some:
        key = (call.started_at.strftime("%Y-%m-%dT%H:00:00.000Z"),)
        expected[key] = expected.get(key, ZERO) + totals_of(call)
    check(answer, expected)


def test_a_range_counts_its_days_only(ask: Ask, calls: list[Trace]) -> None:
    some = [call for call in calls if call.started_at.date() == NOON.date()]
    answer = ask(from_="2026-11-20", to="2026-11-21", group_by="task")
    check(answer, summed(some, "task"))
    assert (answer["from"], answer["to"]) == ("2026-11-20T00:00:00.000Z", "2026-11-21T00:00:00.000Z")


def test_an_answer_says_whether_totals_have_every_call(ask: Ask) -> None:
    by_model, of_task = ask(group_by="model"), ask(task="booking", group_by="day")
    assert by_model["dimensions_since"] is None
    assert by_model["notes"] == ["Totals by these names do not have every call of a day yet."]
    assert "`unheard_usd`" in of_task["notes"][0]


def test_another_projects_calls_are_not_counted(ask: Ask, calls: list[Trace]) -> None:
    assert ask()["total"]["calls"] == len(calls)
    assert ask(from_=datetime(2026, 1, 1, tzinfo=UTC).isoformat(), to="2026-02-01")["rows"] == []
