"""One DynamoDB table with plain items: reads all pages, retries unprocessed keys, and raises one exception."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from switchboard.store.attributes import Item, Value, decode_item, encode, encode_item
from switchboard.store.dynamodb_update import Update, names_in, wire_values
from switchboard.store.keyspace import INDEX, Key
from switchboard.store.ports import RowRefused, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, PutItemInputTypeDef, QueryInputTypeDef

_BATCH_KEYS = 100
_BATCH_TRIES = 6
_FIRST_PAUSE_S = 0.02
_INVALID = frozenset({"ValidationException", "ItemCollectionSizeLimitExceededException"})


@dataclass(frozen=True, slots=True)
class Page:
    """Items of a page. `last`: the sk up to which the partition has been read; None at its end."""

    items: tuple[dict[str, Any], ...]
    last: str | None


class Table:
    """A table of the template's shape. Safe to share between threads. All methods raise StoreUnavailable."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name

    def put(self, item: Item) -> None:
        """Store the item, replacing an older one."""
        with _errors_translated():
            self._client.put_item(TableName=self._name, Item=encode_item(item))

    def put_if(self, item: Item, condition: str, **values: Value) -> bool:
        """Store the item if the existing one, or its absence, meets the condition; returns whether it was stored.

        In the condition, `#name` is an attribute and `:name` its entry in `values`.
        """
        wire: PutItemInputTypeDef = {
            "TableName": self._name,
            "Item": encode_item(item),
            "ConditionExpression": condition,
        }
        if values:
            wire["ExpressionAttributeNames"] = {f"#{name}": name for name in values}
            wire["ExpressionAttributeValues"] = wire_values(values)
        with _errors_translated():
            try:
                self._client.put_item(**wire)
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def put_or_get(self, item: Item, condition: str, values: Mapping[str, Value]) -> dict[str, Any] | None:
        """Store the item if the existing one, or its absence, meets the condition; else return the existing one.

        In the condition, attributes are written `#name`, except `pk`; `values` are its `:name`s.
        """
        with _errors_translated():
            try:
                self._client.put_item(
                    TableName=self._name,
                    Item=encode_item(item),
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names_in(condition),
                    ExpressionAttributeValues=wire_values(values),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException as failed:
                return decode_item(failed.response["Item"])  # type: ignore[typeddict-item]
        return None

    def update(self, update: Update) -> dict[str, Any] | None:
        """Update the item if it meets the condition; returns the updated item, or None."""
        with _errors_translated():
            try:
                answer = self._client.update_item(**update.wire(self._name), ReturnValues="ALL_NEW")
            except self._client.exceptions.ConditionalCheckFailedException:
                return None
        return decode_item(answer["Attributes"])

    def delete(self, key: Key) -> bool:
        """Delete the item; returns whether it existed."""
        with _errors_translated():
            answer = self._client.delete_item(TableName=self._name, Key=_wire_key(key), ReturnValues="ALL_OLD")
        return "Attributes" in answer

    def get(self, key: Key, *, consistent: bool = True) -> dict[str, Any] | None:
        """The item, or None. A read that is not `consistent` costs half, and may miss the latest write."""
        with _errors_translated():
            answer = self._client.get_item(TableName=self._name, Key=_wire_key(key), ConsistentRead=consistent)
        return decode_item(answer["Item"]) if "Item" in answer else None

    def get_all(self, keys: Iterable[Key], *, consistent: bool = True) -> Iterator[dict[str, Any]]:
        """The items that exist, in no particular order; `consistent` as for one."""
        for batch in batched(keys, _BATCH_KEYS, strict=False):
            yield from self._get_batch([_wire_key(key) for key in batch], consistent=consistent)

    def partition(self, pk: str, prefix: str = "") -> Iterator[dict[str, Any]]:
        """Every item of a partition whose sk has the prefix, in order; a consistent read."""
        condition, values = "pk = :pk", {":pk": encode(pk)}
        if prefix:
            condition, values = f"{condition} AND begins_with(sk, :prefix)", {**values, ":prefix": encode(prefix)}
        return self._pages(
            {"KeyConditionExpression": condition, "ExpressionAttributeValues": values, "ConsistentRead": True}
        )

    def newest(self, pk: str, first: str, last: str, page_size: int) -> Iterator[dict[str, Any]]:
        """Items of a partition with an sk from first to last, last first; pages are read as they are consumed."""
        return self._pages(_newest("pk", "sk", pk, (first, last), page_size))

    def oldest(self, pk: str, first: str, last: str, page_size: int) -> Iterator[dict[str, Any]]:
        """The same, first first."""
        return self._pages(_newest("pk", "sk", pk, (first, last), page_size) | {"ScanIndexForward": True})

    def newest_in_index(self, pk: str, first: str, last: str, page_size: int) -> Iterator[dict[str, Any]]:
        """The newest of an index partition; the items have keys only."""
        return self._pages({"IndexName": INDEX, **_newest("gsi1pk", "gsi1sk", pk, (first, last), page_size)})

    def newest_page(self, pk: str, first: str, last: str, page_size: int, *, in_index: bool = False) -> Page:
        """The first page of these, by one request."""
        query = _newest("gsi1pk", "gsi1sk", pk, (first, last), page_size) | {"IndexName": INDEX}
        if not in_index:
            query = _newest("pk", "sk", pk, (first, last), page_size)
        with _errors_translated():
            answer = self._client.query(TableName=self._name, **query)
        end = answer.get("LastEvaluatedKey")
        return Page(tuple(map(decode_item, answer["Items"])), None if end is None else end["sk"]["S"])

    def index_between(self, pk: str, first: str, last: str, page_size: int) -> Iterator[dict[str, Any]]:
        """Items of an index partition from first to last, in order; they have keys only."""
        return self._pages(
            {
                "IndexName": INDEX,
                "KeyConditionExpression": "gsi1pk = :pk AND gsi1sk BETWEEN :first AND :last",
                "ExpressionAttributeValues": wire_values({"pk": pk, "first": first, "last": last}),
                "Limit": page_size,
            }
        )

    def index_partition(self, pk: str) -> Iterator[dict[str, Any]]:
        """Every item of an index partition, in order; the items have keys only."""
        return self._pages(
            {
                "IndexName": INDEX,
                "KeyConditionExpression": "gsi1pk = :pk",
                "ExpressionAttributeValues": {":pk": encode(pk)},
            }
        )

    def _pages(self, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        request: QueryInputTypeDef = {"TableName": self._name, **query}  # type: ignore[typeddict-item]
        while True:
            with _errors_translated():
                answer = self._client.query(**request)
            yield from map(decode_item, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _get_batch(
        self, keys: "list[dict[str, AttributeValueTypeDef]]", *, consistent: bool
    ) -> Iterator[dict[str, Any]]:
        pause_s = _FIRST_PAUSE_S
        for attempt in range(_BATCH_TRIES):
            if attempt:
                time.sleep(pause_s)
                pause_s *= 2
            with _errors_translated():
                request = {self._name: {"Keys": keys, "ConsistentRead": consistent}}
                answer = self._client.batch_get_item(RequestItems=request)  # type: ignore[arg-type]
            yield from map(decode_item, answer["Responses"].get(self._name, ()))
            left = answer.get("UnprocessedKeys", {}).get(self._name)
            if left is None:
                return
            keys = [dict(key) for key in left["Keys"]]
        raise StoreUnavailable(f"{len(keys)} items were still unread after {_BATCH_TRIES} tries")


def _newest(pk_name: str, sk_name: str, pk: str, between: tuple[str, str], page_size: int) -> dict[str, Any]:
    return {
        "KeyConditionExpression": f"{pk_name} = :pk AND {sk_name} BETWEEN :first AND :last",
        "ExpressionAttributeValues": wire_values({"pk": pk, "first": between[0], "last": between[1]}),
        "ScanIndexForward": False,
        "Limit": page_size,
    }


def _wire_key(key: Key) -> "dict[str, AttributeValueTypeDef]":
    return {"pk": encode(key.pk), "sk": encode(key.sk)}


@contextmanager
def _errors_translated() -> Iterator[None]:
    # Imported here so that the store can be imported without botocore.
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        is_invalid = error.response.get("Error", {}).get("Code") in _INVALID
        raise (RowRefused if is_invalid else StoreUnavailable)(str(error)) from error
    except BotoCoreError as error:
        raise StoreUnavailable(str(error)) from error
