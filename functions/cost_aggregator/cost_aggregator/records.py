"""What a record of the table's stream tells: a finished call to settle, something else, or nothing that can be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchboard.domain.trace import Status, Trace
from switchboard.store import trace_items
from switchboard.store.attributes import decode_item

type StreamRecord = Mapping[str, Any]
"""As Lambda hands it over: `eventName`, `dynamodb: {SequenceNumber, Keys, NewImage, …}`."""


class Unreadable(Exception):
    """The record is of a finished call, and its image cannot be understood."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which record it is, and which row it tells of."""

    sequence_number: str
    pk: str
    sk: str


def place_of(record: StreamRecord) -> Place:
    """The record's place. Raises KeyError for what is no record of a table of ours."""
    change = record["dynamodb"]
    return Place(change["SequenceNumber"], change["Keys"]["pk"]["S"], change["Keys"]["sk"]["S"])


def due_trace(record: StreamRecord) -> Trace | None:
    """The finished, unsettled call that the record tells of; None for any other record. Raises Unreadable."""
    image = record["dynamodb"].get("NewImage")
    if not image or image.get("kind") != {"S": trace_items.KIND} or "settled_at" in image:
        return None
    try:
        trace = trace_items.from_item(decode_item(image))
    except (ArithmeticError, AttributeError, KeyError, LookupError, TypeError, ValueError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error
    return None if trace.status is Status.OPEN else trace
