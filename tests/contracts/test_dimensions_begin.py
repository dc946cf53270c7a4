"""The first day whose totals by dimension have every call, on a real engine."""

from datetime import date, datetime, timedelta

import pytest

from switchboard.store import keyspace
from switchboard.store.ledger.dimensions import DynamoDimensions
from switchboard.store.ledger.open_calls import DynamoOpenCalls
from testkit.dynamodb import items_of
from testkit.ledger_books import Books
from testkit.samples import NOON, a_key
from testkit.stream_events import SCHEDULED_EVENT, Seen, an_aggregator, connect_once

pytestmark = pytest.mark.thorough

DAY = NOON.date()


class Project:
    """A registered project and its settled calls."""

    def __init__(self, books: Books) -> None:
        self.books, self.client, self.table = books, books.client, books.table
        self.calls = DynamoOpenCalls(books.client, books.table)
        books.store.put_key(a_key())

    def add(self, started_at: datetime, *, by_the_version_before: bool = False) -> None:
        """A settled call; the version before had no rows by dimension."""
        self.books.ledger().settle([self.books.call((started_at - NOON).total_seconds() / 60)])
        for row in items_of(self.client, self.table):
            if by_the_version_before and "#DAYS#" in row["pk"]["S"]:
                self.client.delete_item(TableName=self.table, Key={"pk": row["pk"], "sk": row["sk"]})

    def since(self, now: datetime) -> date | None:
        """The first whole day, once it has been looked for at that time."""
        self.calls.begin_dimensions("acme", now)
        [project] = self.calls.projects()
        assert project.dimensions_since == DynamoDimensions(self.client, self.table).dimensions_since("acme")
        return project.dimensions_since


@pytest.fixture
def project(books: Books) -> Project:
    return Project(books)


def test_it_is_unknown_until_it_is_looked_for(project: Project) -> None:
    [registered] = project.calls.projects()
    assert registered.dimensions_since is None
    assert DynamoDimensions(project.client, project.table).dimensions_since("acme") is None


@pytest.mark.parametrize(
    ("now", "since"),
    [
        (NOON, DAY + timedelta(days=1)),
        (NOON + timedelta(hours=11, minutes=30), DAY + timedelta(days=2)),
    ],
    ids=["at noon", "while a deployment may last beyond midnight"],
)
def test_it_is_the_next_day_where_the_version_before_counted_calls(
    project: Project, now: datetime, since: date
) -> None:
    project.add(NOON, by_the_version_before=True)
    project.add(NOON)
    assert project.since(now) == since


def test_it_is_today_where_there_was_no_call(project: Project) -> None:
    assert project.since(NOON) == DAY


def test_it_is_the_first_day_with_a_call_where_every_call_is_counted(project: Project) -> None:
    project.add(NOON - timedelta(days=3))
    project.add(NOON)
    assert project.since(NOON) == DAY - timedelta(days=3)


def test_it_is_set_once(project: Project) -> None:
    assert project.since(NOON) == project.since(NOON + timedelta(days=9)) == DAY


def test_a_project_that_is_not_registered_stays_so(project: Project) -> None:
    project.calls.begin_dimensions("other", NOON)
    assert [each.project for each in project.calls.projects()] == ["acme"]
    assert all(row["sk"]["S"] != keyspace.project("other").sk for row in items_of(project.client, project.table))


def test_the_sweep_looks_for_it_once(project: Project) -> None:
    client, asked = connect_once(project.books.endpoint), list[str]()
    client.meta.events.register(
        "provide-client-params.dynamodb.UpdateItem", lambda params, **_: asked.append(params["UpdateExpression"])
    )
    aggregator = an_aggregator(client, project.table, Seen())
    for _ in range(2):
        aggregator.handle(SCHEDULED_EVENT, lambda: 60_000)
    assert sum("dimensions_since" in update for update in asked) == 1
    assert [each.dimensions_since for each in project.calls.projects()] == [DAY]
