"""The totals of tasks on a real engine: ranges, names, expiry, read without scans."""

from datetime import UTC, datetime, timedelta

from switchboard.domain.totals import ZERO, Granularity, PeriodTotals
from switchboard.store import keyspace
from switchboard.store.ledger.totals import DynamoTotals
from testkit.dynamodb import items_of
from testkit.ledger_books import Books
from testkit.samples import NOON
from testkit.stream_events import connect_once


def test_ranges_are_whole_hours_or_whole_days_of_utc(books: Books) -> None:
    midnight = NOON + timedelta(hours=12)
    for minutes in (0, 59, 60, 12 * 60 - 1, 12 * 60, 11 * 24 * 60):
        books.ledger().settle([books.call(minutes)])
    hours = books.periods(Granularity.HOUR)
    assert [(period.start, period.totals.calls) for period in hours.periods] == [
        (NOON, 2),
        (NOON + timedelta(hours=1), 1),
        (midnight - timedelta(hours=1), 1),
        (midnight, 1),
        (NOON + timedelta(days=11), 1),
    ]
    days = books.periods(Granularity.DAY)
    assert [period.totals.calls for period in days.periods] == [4, 1, 1]
    months = books.periods(Granularity.MONTH)
    assert [(period.start, period.totals.calls) for period in months.periods] == [
        (datetime(2026, 11, 1, tzinfo=UTC), 5),
        (datetime(2026, 12, 1, tzinfo=UTC), 1),
    ]
    assert hours.total == days.total == months.total
    half_past = NOON + timedelta(minutes=30)
    assert books.periods(Granularity.HOUR, half_past, half_past).total == ZERO
    assert books.periods(Granularity.HOUR, half_past, half_past + timedelta(minutes=1)).total.calls == 2
    assert books.periods(Granularity.HOUR, NOON, NOON + timedelta(hours=1)).total.calls == 2
    assert books.periods(Granularity.DAY, NOON, midnight).total.calls == 4
    assert books.periods(Granularity.DAY, NOON, midnight + timedelta(seconds=1)).total.calls == 5
    assert books.periods(Granularity.HOUR, until=half_past).total.calls == 2
    assert books.periods(Granularity.HOUR, since=midnight).total.calls == 2
    extremes = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert books.periods(Granularity.DAY, *extremes).total == days.total


def test_task_names_with_delimiters_do_not_collide(books: Books) -> None:
    names = ["a", "a#0", "a%230", "", "x" * 3000, "ä🙂"]
    for number, name in enumerate(names):
        books.ledger().settle([books.call(number, task_id=name), books.call(number, task_id=name)])
    tasks = books.totals.task_totals("acme")
    assert [task.task_id for task in tasks] == sorted(names)
    assert {task.totals.calls for task in tasks} == {2}
    assert books.totals.task_totals("acm") == ()
    assert books.periods(Granularity.DAY) == PeriodTotals(ZERO, ())


def test_hourly_totals_expire_and_daily_totals_do_not(books: Books) -> None:
    books.ledger().settle([books.call()])
    expires = {item["sk"]["S"]: item.get("expires_at") for item in items_of(books.client, books.table)}
    after = int((NOON + timedelta(hours=1, days=400)).timestamp())
    assert expires["HOUR#2026-11-20T12"] == {"N": str(after)}
    assert expires["DAY#2026-11-20"] is expires["TASK#booking"] is None


def test_totals_are_read_with_queries_only(books: Books) -> None:
    books.ledger().settle([books.call()])
    client, asked = connect_once(books.endpoint), list[str]()
    client.meta.events.register("before-call.dynamodb", lambda model, **_event: asked.append(model.name))
    totals = DynamoTotals(client, books.table)
    totals.task_totals("acme")
    totals.period_totals("acme", "booking", since=None, until=NOON, granularity=Granularity.DAY)
    assert asked == ["Query"] * 2 * len(keyspace.TOTALS_SHARDS)
