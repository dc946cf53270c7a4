"""Which days are audited, when, and what is told about them."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from random import Random

import pytest

from cost_aggregator.auditing import UNSETTLED_FOR_DAYS, Auditing
from cost_aggregator.backoff import Backoff
from cost_aggregator.telemetry import MAX_DIFFERENCES, Telemetry
from switchboard.domain.audit import CLOSED_AFTER, DayAudit, Difference, Outcome, ProjectDays, Retention, start_of
from switchboard.store.ports import StoreUnavailable
from testkit.samples import NOON
from testkit.stream_events import Seen

DAY = date(2026, 11, 10)
ONE = timedelta(days=1)


class Days:
    """Which days have been audited, in memory, and an auditor with prepared answers."""

    def __init__(self) -> None:
        self.unaudited: dict[str, date | None] = {"acme": DAY}
        self.outcomes: dict[date, Outcome] = {}
        self.history: tuple[Retention, ...] = ()
        self.audited: list[tuple[str, date]] = []
        self.differences: tuple[Difference, ...] = ()
        self.pages_left = 1000
        self.is_away = False
        self.broken: set[str] = set()

    def projects(self) -> Sequence[ProjectDays]:
        return [ProjectDays(project, day) for project, day in self.unaudited.items()]

    def mark_audited(self, project: str, until: date) -> None:
        self.unaudited[project] = until

    def record_retention(self, kept_for: timedelta) -> tuple[Retention, ...]:
        if self.is_away:
            raise StoreUnavailable("the table is away")
        return self.history or (Retention(NOON, kept_for),)

    def audit(self, project: str, day: date, has_time: Callable[[], bool], *, repair: bool = False) -> DayAudit | None:
        assert not repair
        if project in self.broken:
            raise KeyError("calls")
        self.pages_left -= 1
        if self.pages_left < 0 or not has_time():
            return None
        self.audited.append((project, day))
        return DayAudit(project, day, self.outcomes.get(day, Outcome.CLEAN), 3, 9, differences=self.differences)


class Audits:
    """Audits with an adjustable clock."""

    def __init__(self) -> None:
        self.days = Days()
        self.seen = Seen()
        self.now = NOON

    def run(self, remaining_ms: float = 60_000, *, kept_for: timedelta = timedelta(days=30)) -> list[date]:
        """The days that were audited just now."""
        self.days.audited.clear()
        backoff = Backoff(lambda _seconds: None, Random(1))
        telemetry = Telemetry(self.seen, self.seen.emit)
        use_case = Auditing(self.days, self.days, telemetry, backoff, lambda: self.now, kept_for)
        use_case.audit(tuple(self.days.unaudited), lambda: remaining_ms)
        return [day for _, day in self.days.audited]

    def at(self, moment: datetime) -> "Audits":
        self.now = moment
        return self


@pytest.fixture
def audits() -> Audits:
    return Audits()


def test_a_day_is_audited_once_it_is_closed(audits: Audits) -> None:
    closed = start_of(DAY) + CLOSED_AFTER
    assert audits.at(closed - timedelta(seconds=1)).run() == []
    assert audits.at(closed).run() == [DAY]
    assert audits.at(closed + timedelta(hours=1)).run() == []
    assert audits.at(closed + 2 * ONE).run() == [DAY + ONE, DAY + 2 * ONE]
    assert [line["day"] for line in audits.seen.named("audit.done")] == ["2026-11-10", "2026-11-11", "2026-11-12"]


def test_a_project_without_dimensions_has_no_day(audits: Audits) -> None:
    audits.days.unaudited = {"new": None, "acme": DAY}
    assert audits.at(start_of(DAY) + CLOSED_AFTER).run() == [DAY]


def test_a_day_of_which_traces_have_expired_is_never_compared(audits: Audits) -> None:
    audits.at(start_of(DAY) + 4 * ONE)
    assert audits.run(kept_for=3 * ONE) == [DAY + 2 * ONE]
    outcomes = [line["outcome"] for line in audits.seen.named("audit.done")]
    assert outcomes == ["expired", "expired", "clean"]


def test_a_retention_that_was_shorter_once_counts_for_its_days(audits: Audits) -> None:
    audits.days.history = (
        Retention(start_of(DAY) - 9 * ONE, 30 * ONE),
        Retention(start_of(DAY) + ONE / 2, 2 * ONE),
        Retention(start_of(DAY) + ONE + ONE / 2, 30 * ONE),
    )
    assert audits.at(start_of(DAY) + 5 * ONE).run() == [DAY + 2 * ONE, DAY + 3 * ONE]


def test_an_unsettled_call_is_waited_for_some_days(audits: Audits) -> None:
    audits.days.outcomes = {DAY: Outcome.UNSETTLED}
    closed = start_of(DAY) + CLOSED_AFTER
    assert audits.at(closed).run() == [DAY]
    assert audits.days.unaudited == {"acme": DAY}
    assert audits.seen.named("audit.done") == []
    assert audits.at(closed + UNSETTLED_FOR_DAYS * ONE).run() == [DAY + number * ONE for number in range(4)]
    assert audits.seen.named("audit.done")[0]["outcome"] == "unsettled"


def test_a_moving_day_is_tried_again(audits: Audits) -> None:
    audits.days.outcomes = {DAY: Outcome.MOVING}
    audits.at(start_of(DAY) + CLOSED_AFTER)
    assert audits.run() == audits.run() == [DAY]
    assert audits.days.unaudited == {"acme": DAY}


def test_it_stops_without_time_and_goes_on_later(audits: Audits) -> None:
    audits.at(start_of(DAY) + CLOSED_AFTER + 3 * ONE)
    assert audits.run(remaining_ms=10) == []
    audits.days.pages_left = 2
    assert audits.run() == [DAY, DAY + ONE]
    audits.days.pages_left = 9
    assert audits.run() == [DAY + 2 * ONE, DAY + 3 * ONE]


def test_differences_are_logged_and_counted(audits: Audits) -> None:
    audits.days.outcomes = {DAY: Outcome.DIFFERS}
    audits.days.differences = (Difference("pk", "sk", "cost_pico_usd", 8, 7),) * (MAX_DIFFERENCES + 5)
    audits.at(start_of(DAY) + CLOSED_AFTER).run()
    lines = audits.seen.named("audit.difference")
    assert len(lines) == MAX_DIFFERENCES
    assert lines[0] == {
        "project": "acme",
        "pk": "pk",
        "sk": "sk",
        "counter": "cost_pico_usd",
        "stored": 8,
        "counted": 7,
        "is_repaired": False,
    }
    [done] = audits.seen.named("audit.done")
    assert (done["outcome"], done["differences"], done["calls"], done["rows"]) == ("differs", 105, 3, 9)
    assert audits.seen.metrics == [{"AuditDifferences": ("Count", [105])}]
    assert audits.days.unaudited == {"acme": DAY + ONE}


def test_an_unreachable_table_is_logged(audits: Audits) -> None:
    audits.days.is_away = True
    audits.run()
    assert audits.seen.named("audit.deferred") == [{"reason": "the table is away"}]


def test_a_project_whose_rows_cannot_be_read_does_not_keep_the_others_waiting(audits: Audits) -> None:
    audits.days.unaudited = {"broken": DAY, "acme": DAY}
    audits.days.broken = {"broken"}
    audits.at(start_of(DAY) + CLOSED_AFTER).run()
    assert audits.days.audited == [("acme", DAY)]
    assert audits.seen.named("audit.deferred") == [{"reason": "broken: KeyError: 'calls'"}]


def test_projects_are_audited_in_the_order_of_the_sweep(audits: Audits) -> None:
    audits.days.unaudited = {"acme": DAY, "zeta": DAY, "gone": None}
    audits.at(start_of(DAY) + CLOSED_AFTER)
    Auditing(
        audits.days,
        audits.days,
        Telemetry(audits.seen, audits.seen.emit),
        Backoff(lambda _seconds: None, Random(1)),
        lambda: audits.now,
        timedelta(days=30),
    ).audit(("zeta", "new", "gone", "acme"), lambda: 60_000)
    assert [project for project, _ in audits.days.audited] == ["zeta", "acme"]
