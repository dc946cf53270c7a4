"""Events of the table's stream as Lambda passes them to a function, and aggregators that settle them."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import get_session

from cost_aggregator.assembly import Aggregator, Dependencies, build
from cost_aggregator.poison import PoisonMessage, QueueUnavailable
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.search_terms import DEFAULT_METADATA
from switchboard.domain.trace import Trace
from switchboard.store.attributes import encode_item
from switchboard.store.audit.audit_store import DynamoAudit
from switchboard.store.audit.auditor import Auditor
from switchboard.store.conversations.conversation_facts import DynamoConversationFacts
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.open_calls import DynamoOpenCalls
from switchboard.store.prices.price_book import DynamoBook
from switchboard.store.prices.project_prices import DynamoPrices
from switchboard.store.prices.unpriced_calls import DynamoUnpriced
from switchboard.store.search.search_rows import DynamoSearchRows
from switchboard.store.search.top_lists import DynamoTopLists
from switchboard.store.traces import trace_items
from switchboard_local.stream_event import to_lambda
from testkit.samples import NOON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ARN = "arn:aws:dynamodb:eu-central-1:123456789012:table/switchboard/stream/2026-11-20T12:00:00.000"
SCHEDULED_EVENT = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}

PATTERN = json.dumps(
    {
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": {
            "NewImage": {
                "kind": {"S": ["trace"]},
                "status": {"S": [{"anything-but": ["open"]}]},
                "settled_at": {"S": [{"exists": False}]},
            }
        },
    }
)
"""Lets finished, unsettled traces through."""


class Seen:
    """Replaces the logger, the metrics and the poison queue, and records their calls."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []
        self.metrics: list[dict[str, tuple[str, list[float]]]] = []
        self.poison: list[PoisonMessage] = []
        self.queue_is_away = False

    def info(self, msg: object, *, extra: Any) -> None:
        """Write one line."""
        self.lines.append((str(msg), dict(extra)))

    warning = info
    error = info

    def emit(self, metrics: Any) -> None:
        """Emit one document."""
        self.metrics.append({name: (unit, list(values)) for name, (unit, values) in metrics.items()})

    def put(self, poison: PoisonMessage) -> None:
        """Keep it. Raises QueueUnavailable."""
        if self.queue_is_away:
            raise QueueUnavailable("the queue is away")
        self.poison.append(poison)

    def named(self, event: str) -> list[dict[str, object]]:
        """The fields of the lines of that name."""
        return [fields for name, fields in self.lines if name == event]


def connect_once(endpoint: str) -> "DynamoDBClient":
    """A client that does not retry, with its own hooks: the client of one sandbox."""
    session = get_session()
    session.set_credentials("local", "local")
    config = Config(retries={"mode": "standard", "total_max_attempts": 1})
    client: DynamoDBClient = session.create_client(  # type: ignore[assignment]
        "dynamodb", region_name="local", endpoint_url=endpoint, config=config
    )
    return client


def an_aggregator(
    client: "DynamoDBClient",
    table: str,
    seen: Seen,
    *,
    seed: int = 1,
    sleep: Callable[[float], None] = lambda _seconds: None,
    now: Callable[[], datetime] = lambda: NOON,
    telemetry: Telemetry | None = None,
) -> Aggregator:
    """An aggregator on that table, at noon unless another clock is given."""
    audits = DynamoAudit(client, table, lambda: NOON)
    return build(
        Dependencies(
            ledger=DynamoLedger(client, table, random=Random(seed)),
            rows=(
                DynamoConversationFacts(client, table),
                DynamoSearchRows(client, table, DEFAULT_METADATA),
                DynamoTopLists(client, table),
            ),
            calls=DynamoOpenCalls(client, table),
            cards=DynamoBook(client, table),
            own_prices=DynamoPrices(client, table),
            unpriced=DynamoUnpriced(client, table),
            lists=DynamoTopLists(client, table),
            poison=seen,
            telemetry=telemetry or Telemetry(seen, seen.emit),
            days=audits,
            auditor=Auditor(audits),
            kept_for=timedelta(days=30),
            now=now,
            sleep=sleep,
            random=Random(seed),
        )
    )


def stream_record(trace: Trace, number: int = 1) -> dict[str, Any]:
    """The record of a trace's row as it was last written."""
    image = encode_item(trace_items.to_item(trace, int(NOON.timestamp()) + 30 * 86_400))
    record = {
        "eventID": f"{number:032x}",
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": NOON.timestamp(),
            "Keys": {"pk": image["pk"], "sk": image["sk"]},
            "NewImage": image,
            "SequenceNumber": str(number).zfill(21),
            "SizeBytes": 900,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
    return to_lambda(record, ARN)


def stream_event(traces: Iterable[Trace]) -> dict[str, Any]:
    """A batch with one record per trace, numbered from 1 in their order."""
    return {"Records": [stream_record(trace, number) for number, trace in enumerate(traces, start=1)]}
