"""Audits each project's days once they are closed: whether the totals are the sums over the calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from cost_aggregator.backoff import Backoff, RemainingMs
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.audit import DayAudit, Outcome, ProjectDays, Retention, is_kept, last_closed_day
from switchboard.store.ports import StoreUnavailable

UNSETTLED_FOR_DAYS = 3
"""A day with a call that nobody could settle is waited for so long. Then it is passed by: the call is in the queue of
those that never can be."""


class AuditedDays(Protocol):
    """Stores which days have been audited. All methods raise StoreUnavailable."""

    def projects(self) -> Sequence[ProjectDays]:
        """Every project, and the first of its days that has not been audited."""

    def mark_audited(self, project: str, until: date) -> None:
        """Record that the days before `until` have been audited, or never can be."""

    def record_retention(self, kept_for: timedelta) -> tuple[Retention, ...]:
        """How long traces have been kept at each time; the present retention is recorded if it is new."""


class DayAuditor(Protocol):
    """Audits one day."""

    def audit(self, project: str, day: date, has_time: Callable[[], bool], *, repair: bool = False) -> DayAudit | None:
        """The result; None if the time did not suffice: the next call continues. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Auditing:
    """Audits after each sweep, while there is time. It repairs nothing: a difference is an error, and an operator's to
    look at."""

    days: AuditedDays
    auditor: DayAuditor
    telemetry: Telemetry
    backoff: Backoff
    now: Callable[[], datetime]
    kept_for: timedelta

    def audit(self, projects: Sequence[str], remaining_ms: RemainingMs) -> None:
        """Audit the closed days of these projects, in their order, that have not been audited."""
        try:
            history = self.days.record_retention(self.kept_for)
            days = {project.project: project for project in self.days.projects()}
            for project in projects:
                if project in days:
                    self._try(days[project], history, remaining_ms)
        except StoreUnavailable as unavailable:
            self.telemetry.audit_deferred(str(unavailable))

    def _try(self, project: ProjectDays, history: tuple[Retention, ...], remaining_ms: RemainingMs) -> None:
        try:
            self._audit(project, history, remaining_ms)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one project's rows must not keep the others waiting
            self.telemetry.audit_deferred(f"{project.project}: {type(error).__name__}: {error}")

    def _audit(self, project: ProjectDays, history: tuple[Retention, ...], remaining_ms: RemainingMs) -> None:
        day, last = project.unaudited, last_closed_day(self.now())
        while day is not None and day <= last and self.backoff.has_time(remaining_ms):
            found = self._audit_day(project.project, day, history, remaining_ms)
            if found is None or found.outcome is Outcome.MOVING or self._waits(found, last):
                return
            self.telemetry.audited(found)
            day += timedelta(days=1)
            self.days.mark_audited(project.project, day)

    def _audit_day(
        self, project: str, day: date, history: tuple[Retention, ...], remaining_ms: RemainingMs
    ) -> DayAudit | None:
        if not is_kept(day, history, self.now()):
            return DayAudit(project, day, Outcome.EXPIRED)
        return self.auditor.audit(project, day, lambda: self.backoff.has_time(remaining_ms))

    def _waits(self, found: DayAudit, last: date) -> bool:
        return found.outcome is Outcome.UNSETTLED and last - found.day < timedelta(days=UNSETTLED_FOR_DAYS)
