"""The prices of each project: its own, which outrank the book that all projects share."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cost_aggregator.overrides import Overrides
from switchboard.domain.bounded_dict import BoundedDict
from switchboard.domain.rates import RateCard
from switchboard.store.prices.price_ports import PriceStore

FRESH_S = 60.0
"""How long a project's own prices are used before they are read again."""
MAX_PROJECTS = 1000


class SharedBook(Protocol):
    """Prices for every project."""

    @property
    def version(self) -> str:
        """Names the library and the overrides: it changes with every price."""

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The card for a call that began at `at`; None if the price is unknown."""


@dataclass(frozen=True, slots=True)
class ProjectBook:
    """The prices of one project. `fingerprint` changes with any of them."""

    own: Overrides
    shared: SharedBook
    fingerprint: str

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The card for a call that began at `at`: the project's own, else the shared one."""
        return self.own.card(provider, model, at) or self.shared.card(provider, model, at)


class ProjectBooks:
    """Reads each project's own prices when they are a minute old. Not for several threads."""

    def __init__(
        self,
        shared: SharedBook,
        store: PriceStore,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._shared = shared
        self._store = store
        self._now = now
        self._monotonic = monotonic
        self._read = BoundedDict[str, tuple[ProjectBook, float, float]](MAX_PROJECTS)

    def of(self, project: str) -> ProjectBook:
        """The project's prices. Raises StoreUnavailable."""
        if (known := self._read.get(project)) is not None and self._age_s(known[1], known[2]) < FRESH_S:
            return known[0]
        monotonic, wall = self._monotonic(), self._now().timestamp()
        own = self._store.project_prices(project)
        book = ProjectBook(Overrides.of(own), self._shared, _fingerprint(self._shared.version, own))
        self._read[project] = book, monotonic, wall
        return book

    def _age_s(self, monotonic: float, wall: float) -> float:
        # Monotonic time stands still while a sandbox sleeps, wall time may be set back: the larger one is right.
        return max(self._monotonic() - monotonic, self._now().timestamp() - wall)


def _fingerprint(version: str, own: tuple[RateCard, ...]) -> str:
    return hashlib.sha256(repr((version, own)).encode()).hexdigest()[:16]
