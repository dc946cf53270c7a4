"""What a client's writes cost in DynamoDB's write units, by what was written."""

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WRITES = ("TransactWriteItems", "PutItem", "UpdateItem", "BatchWriteItem")


class WriteUnits:
    """The units that the engine reports for a client's writes.

    By `kind` of the row for single writes, by name of the operation for others. A transaction costs two units for each
    KB of a row, other writes one, and each entry of an index one more when it changes.
    """

    def __init__(self, client: "DynamoDBClient") -> None:
        self.used: Counter[str] = Counter()
        self.transactions: list[float] = []
        for name in _WRITES:
            client.meta.events.register(f"provide-client-params.dynamodb.{name}", self._ask)
            client.meta.events.register(f"after-call.dynamodb.{name}", self._note)

    def _ask(self, params: dict[str, Any], context: dict[str, Any], **_event: object) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"
        context["kind"] = params.get("Item", {}).get("kind", {}).get("S")

    def _note(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_event: object) -> None:
        reported = parsed.get("ConsumedCapacity", [])
        units = sum(each["CapacityUnits"] for each in (reported if isinstance(reported, list) else [reported]))
        self.used[context["kind"] or model.name] += units
        if model.name == "TransactWriteItems":
            self.transactions.append(units)
