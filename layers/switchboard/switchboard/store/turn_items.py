"""TurnRow ⇄ item: `from_item(to_item(row, …)) == row`. Below one kilobyte, so that a write takes one unit."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from switchboard.domain.turns import TurnRow
from switchboard.store.attributes import Item
from switchboard.store.keyspace import Key

KIND = "turn"
KEPT_S = 3600


def to_item(row: TurnRow, place: Key) -> Item:
    """The item of a row; it expires an hour after the turn's last call."""
    return {"pk": place.pk, "sk": place.sk, "kind": KIND, "expires_at": expires_at(row.arrived_ms), **asdict(row)}


def expires_at(arrived_ms: int) -> int:
    """When the row of a turn expires whose last call arrived then, in seconds since 1970."""
    return arrived_ms // 1000 + KEPT_S


def from_item(item: Mapping[str, Any]) -> TurnRow:
    """The row of an item. Raises KeyError if it is not a turn's."""
    return TurnRow(
        turn_id=item["turn_id"],
        ancestors=tuple(item["ancestors"]),
        began_ms=item["began_ms"],
        arrived_ms=item["arrived_ms"],
        arrived_by=item["arrived_by"],
        arrivals=item["arrivals"],
        spoken_ms=item.get("spoken_ms"),
        spoken_by=item.get("spoken_by"),
    )
