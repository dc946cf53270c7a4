"""An update of one row, and its encoding as a DynamoDB request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from switchboard.store.attributes import Value, encode
from switchboard.store.keyspace import Key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_ALIAS = re.compile(r"#\w+")


@dataclass(frozen=True, slots=True)
class Update:
    """An update of one row. Its expressions write attributes as `#name`, except `pk`; `values` are their `:name`s."""

    key: Key
    expression: str
    values: Mapping[str, Value]
    condition: str | None = None

    def wire(self, table: str) -> dict[str, Any]:
        """The update as a DynamoDB request."""
        wire = {
            "TableName": table,
            "Key": {"pk": encode(self.key.pk), "sk": encode(self.key.sk)},
            "UpdateExpression": self.expression,
            "ExpressionAttributeNames": names_in(f"{self.expression} {self.condition}"),
            "ExpressionAttributeValues": wire_values(self.values),
        }
        return wire if self.condition is None else {**wire, "ConditionExpression": self.condition}


def names_in(expression: str) -> dict[str, str]:
    """Every attribute that an expression refers to as `#name`."""
    return {alias: alias[1:] for alias in set(_ALIAS.findall(expression))}


def wire_values(values: Mapping[str, Value]) -> "dict[str, AttributeValueTypeDef]":
    """The values of an expression, by `:name`."""
    return {f":{name}": encode(value) for name, value in values.items()}
