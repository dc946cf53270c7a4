"""Reads records of the table's stream, and picks those of finished calls that are not settled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchboard.domain.trace import Status, Trace
from switchboard.store.attributes import decode_item
from switchboard.store.traces import trace_items

type StreamRecord = Mapping[str, Any]
"""As Lambda passes it: `eventName`, `dynamodb: {SequenceNumber, Keys, NewImage, …}`."""


NO_RECORD = ""
"""The sequence number of a row that was found in the table, not in the stream."""


class RecordUnreadable(Exception):
    """The record is of a trace, and its image cannot be read."""


@dataclass(frozen=True, slots=True)
class RecordId:
    """Identifies a record and the row that it describes; `sequence_number` is NO_RECORD without a record."""

    sequence_number: str
    pk: str
    sk: str


def record_id_of(record: StreamRecord) -> RecordId:
    """The record's id. Raises KeyError if it is not a record of the table."""
    change = record["dynamodb"]
    return RecordId(change["SequenceNumber"], change["Keys"]["pk"]["S"], change["Keys"]["sk"]["S"])


def unsettled_trace(record: StreamRecord) -> Trace | None:
    """The finished, unsettled call in the record; None for any other record. Raises RecordUnreadable."""
    image = record["dynamodb"].get("NewImage")
    if not image or image.get("kind") != {"S": trace_items.KIND} or "settled_at" in image:
        return None
    try:
        trace = trace_items.from_item(decode_item(image))
    except (ArithmeticError, AttributeError, KeyError, LookupError, TypeError, ValueError) as error:
        raise RecordUnreadable(f"{type(error).__name__}: {error}") from error
    return None if trace.status is Status.OPEN else trace
