"""The composition root: builds an aggregator from settings."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import Any, Protocol

from cost_aggregator.auditing import AuditedDays, Auditing, DayAuditor
from cost_aggregator.backoff import Backoff, RemainingMs, part_of
from cost_aggregator.book_publishing import BookPublishing, BookStore
from cost_aggregator.overrides import shipped_overrides
from cost_aggregator.poison import NoQueue, PoisonQueue, SqsPoisonQueue
from cost_aggregator.price_library import PriceLibrary
from cost_aggregator.prices import PriceBook
from cost_aggregator.project_books import ProjectBooks
from cost_aggregator.publishing import CardStore, Publishing
from cost_aggregator.repricing import Repricing
from cost_aggregator.revising import MovedCalls, Revising
from cost_aggregator.settings import Settings
from cost_aggregator.settling import Settling
from cost_aggregator.sweeping import Sweeping
from cost_aggregator.telemetry import Telemetry, utc_now
from cost_aggregator.waiting_rows import WaitingRows
from switchboard.store.audit.audit_store import DynamoAudit
from switchboard.store.audit.auditor import MAX_SCHEDULED_ROWS, Auditor
from switchboard.store.conversations.conversation_facts import DynamoConversationFacts
from switchboard.store.dynamodb_client import connect
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.open_calls import DynamoOpenCalls
from switchboard.store.ports import Ledger, OpenCalls, SettledRows
from switchboard.store.prices.price_book import DynamoBook
from switchboard.store.prices.price_ports import PriceStore, RevisingLedger, UnpricedCalls
from switchboard.store.prices.project_prices import DynamoPrices
from switchboard.store.prices.unpriced_calls import DynamoUnpriced
from switchboard.store.search.search_rows import DynamoSearchRows
from switchboard.store.search.top_lists import DynamoTopLists

_SWEEPS = 3 / 5
_REPRICES = 1 / 2
"""Of the time that is left when the step begins."""


class EventUnknown(Exception):
    """The event is neither a batch of the table's stream nor a scheduled event."""


class WholeLedger(Ledger, RevisingLedger, Protocol):
    """Settles calls, and settles them anew."""


class Cards(CardStore, BookStore, Protocol):
    """Stores the price book, and the cards that calls were priced with."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The aggregator's external dependencies, replaced in tests and in the local system.

    `own_prices`: of projects. `rows`: what is written for every settled call beside the transaction.
    """

    ledger: WholeLedger
    calls: OpenCalls
    cards: Cards
    own_prices: PriceStore
    unpriced: UnpricedCalls
    lists: MovedCalls
    poison: PoisonQueue
    telemetry: Telemetry
    days: AuditedDays
    auditor: DayAuditor
    kept_for: timedelta
    rows: Sequence[SettledRows] = ()
    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Random = field(default_factory=SystemRandom)


@dataclass(frozen=True, slots=True)
class Aggregator:
    """Handles both kinds of events."""

    settling: Settling
    publishing: Publishing
    sweeping: Sweeping
    book: BookPublishing
    repricing: Repricing
    auditing: Auditing

    def handle(self, event: Mapping[str, Any], remaining_ms: RemainingMs) -> dict[str, object]:
        """Handle a stream batch (returns the records to deliver again) or a scheduled event. Raises EventUnknown."""
        if "Records" in event:
            failed = self.settling.settle(event["Records"], remaining_ms)
            self.publishing.publish()
            return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
        if event.get("source") == "aws.events":
            self._keep_house(remaining_ms)
            return {}
        raise EventUnknown(f"neither a batch of the stream nor a scheduled event: {sorted(event)}")

    def _keep_house(self, remaining_ms: RemainingMs) -> None:
        """Every step has its part of the time, since one project can give each of them work for hours."""
        self.sweeping.sweep(part_of(remaining_ms, _SWEEPS))
        self.publishing.publish()
        self.book.publish(remaining_ms)
        projects = self.sweeping.projects()
        self.repricing.sweep(projects, part_of(remaining_ms, _REPRICES))
        self.auditing.audit(projects, remaining_ms)


def dependencies(settings: Settings, telemetry: Telemetry, poison: PoisonQueue | None = None) -> Dependencies:
    """The production dependencies: DynamoDB, and the deployment's queue unless another is given."""
    # Conflicting writes are retried by the aggregator, within the time that is left, so the client does not retry.
    client = connect(endpoint=settings.dynamodb_endpoint or None, max_tries=1)
    reader = connect(endpoint=settings.dynamodb_endpoint or None)
    random = SystemRandom()
    audits = DynamoAudit(reader, settings.table_name, utc_now)
    lists = DynamoTopLists(reader, settings.table_name)
    return Dependencies(
        ledger=DynamoLedger(client, settings.table_name, random=random),
        calls=DynamoOpenCalls(reader, settings.table_name),
        cards=DynamoBook(reader, settings.table_name),
        own_prices=DynamoPrices(reader, settings.table_name),
        unpriced=DynamoUnpriced(reader, settings.table_name),
        lists=lists,
        poison=poison or _queue(settings),
        telemetry=telemetry,
        rows=(
            DynamoConversationFacts(reader, settings.table_name),
            DynamoSearchRows(reader, settings.table_name, settings.search_metadata),
            lists,
        ),
        days=audits,
        auditor=Auditor(audits, MAX_SCHEDULED_ROWS),
        kept_for=timedelta(days=settings.retention_days),
        random=random,
    )


def build(parts: Dependencies) -> Aggregator:
    """Build the aggregator."""
    prices = PriceBook(shipped_overrides(), PriceLibrary())
    books = ProjectBooks(prices, parts.own_prices, parts.now, parts.monotonic)
    backoff = Backoff(parts.sleep, parts.random)
    rows = (*parts.rows, WaitingRows(books, parts.unpriced, parts.now))
    settling = Settling(parts.ledger, books, parts.poison, parts.telemetry, backoff, parts.now, rows)
    revising = Revising(parts.ledger, parts.unpriced, parts.telemetry, backoff, parts.lists)
    return Aggregator(
        settling,
        Publishing(prices, parts.cards, parts.telemetry),
        Sweeping(parts.calls, settling, parts.telemetry, backoff, parts.now),
        BookPublishing(prices, parts.cards, parts.telemetry, backoff, parts.now),
        Repricing(books, parts.unpriced, revising, parts.telemetry, backoff, parts.now),
        Auditing(parts.days, parts.auditor, parts.telemetry, backoff, parts.now, parts.kept_for),
    )


def _queue(settings: Settings) -> PoisonQueue:
    return SqsPoisonQueue(settings.poison_queue_url, _connect_to_sqs) if settings.poison_queue_url else NoQueue()


def _connect_to_sqs() -> object:
    from botocore.session import get_session  # noqa: PLC0415 - most sandboxes never need it

    return get_session().create_client("sqs")
