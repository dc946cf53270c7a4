"""The table with what the ledger needs: ranges, conditional updates, transactions, and errors by kind."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import batched
from typing import TYPE_CHECKING, Any

from switchboard.store.attributes import Item, decode_item, encode, encode_item
from switchboard.store.dynamodb_table import Page, Table
from switchboard.store.dynamodb_update import Update, names_in, wire_values
from switchboard.store.keyspace import TraceRange
from switchboard.store.ports import StoreBusy, StoreUnavailable, WriteRefused

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef, WriteRequestUnionTypeDef

BATCH_ITEMS = 25
"""DynamoDB's limit for one request of puts."""

_BATCH_TRIES = 4
_FIRST_PAUSE_S = 0.02
_CONDITION_FAILED = "ConditionalCheckFailed"
_NO_ERROR = "None"
_SERVER_ERROR = 500
_INVALID = frozenset({"ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded"})
_TRANSIENT = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


class ConditionsFailed(Exception):
    """A transaction was cancelled because conditions failed, so repeating it cannot help.

    `rows`: the rows whose conditions failed, by their index in the transaction; None if a row does not exist.
    """

    def __init__(self, rows: Mapping[int, dict[str, Any] | None]) -> None:
        super().__init__(f"the conditions of {len(rows)} rows were not met")
        self.rows = rows


class LedgerTable(Table):
    """Also raises StoreBusy if a retry may help, and WriteRefused if none ever will."""

    def between(self, pk: str, first: str, last: str) -> Iterator[dict[str, Any]]:
        """Items of a partition with an sk from first to last, in order; a consistent read."""
        return self._pages(_range(pk, first, last) | {"ConsistentRead": True})

    def page(self, pk: str, ids: TraceRange, after: str, rows: int) -> Page:
        """The next `rows` items in the range; a consistent read. `after` as in `page_without`."""
        return self._page(_range(pk, ids.first, ids.last) | {"ConsistentRead": True}, pk, after, rows)

    def page_without(self, attribute: str, pk: str, ids: TraceRange, after: str, rows: int) -> Page:
        """Of the next `rows` items in the range, those that lack an attribute; an eventually consistent read.

        `after`: the last sk of the page before; empty for the first page.
        """
        query = _range(pk, ids.first, ids.last)
        query["FilterExpression"] = "attribute_not_exists(#absent)"
        query["ExpressionAttributeNames"] = {"#absent": attribute}
        return self._page(query, pk, after, rows)

    def _page(self, query: dict[str, Any], pk: str, after: str, rows: int) -> Page:
        if after:
            query["ExclusiveStartKey"] = {"pk": encode(pk), "sk": encode(after)}
        with _errors_by_kind():
            answer = self._client.query(TableName=self._name, Limit=rows, **query)
        last = answer.get("LastEvaluatedKey")
        return Page(tuple(map(decode_item, answer["Items"])), None if last is None else last["sk"]["S"])

    def update_if(self, update: Update) -> bool:
        """Update the row if it meets the condition; returns whether it was updated."""
        with _errors_by_kind():
            try:
                self._client.update_item(**update.wire(self._name))
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def put_version(self, item: Item, replaced: int | None) -> None:
        """Store the item in place of this version of it; None: if there is none. Raises ConditionsFailed.

        Items that are written so have their number of writes as `version`.
        """
        is_unchanged = "attribute_not_exists(pk)" if replaced is None else "#version = :version"
        with _errors_by_kind():
            try:
                self._client.put_item(**_conditional_put(self._name, item, is_unchanged, {"version": replaced}))
            except self._client.exceptions.ConditionalCheckFailedException as failed:
                row = failed.response.get("Item")
                raise ConditionsFailed({0: decode_item(row) if row else None}) from failed  # type: ignore[arg-type]

    def put_all(self, items: Iterable[Item]) -> None:
        """Store the items, all with different keys, in place of older ones; some may be stored if it fails."""
        for batch in batched(items, BATCH_ITEMS, strict=False):
            self.put_batch(batch)

    def put_batch(self, items: Sequence[Item]) -> None:
        """Store up to `BATCH_ITEMS` items, all with different keys, in place of older ones.

        If it fails, some may be stored.
        """
        left: list[WriteRequestUnionTypeDef] = [{"PutRequest": {"Item": encode_item(item)}} for item in items]
        for attempt in range(_BATCH_TRIES):
            if attempt:
                time.sleep(_FIRST_PAUSE_S * 2 ** (attempt - 1))
            with _errors_by_kind():
                answer = self._client.batch_write_item(RequestItems={self._name: left})
            if not (unprocessed := answer.get("UnprocessedItems", {}).get(self._name)):
                return
            left = [*unprocessed]
        raise StoreBusy(f"{len(left)} of {len(items)} rows were still unwritten after {_BATCH_TRIES} tries")

    def transact(self, updates: Sequence[Update]) -> None:
        """Apply all updates or none. Raises ConditionsFailed."""
        items: list[TransactWriteItemTypeDef] = [
            {"Update": {**update.wire(self._name), "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}  # type: ignore[typeddict-item]
            for update in updates
        ]
        with _errors_by_kind():
            try:
                self._client.transact_write_items(TransactItems=items)
            except self._client.exceptions.TransactionCanceledException as cancelled:
                raise _reason(cancelled.response["CancellationReasons"]) from cancelled


def _reason(reasons: Sequence[Mapping[str, Any]]) -> Exception:
    """The most serious reason: first invalid writes, then failed conditions, then transient errors."""
    codes = {reason.get("Code", _NO_ERROR) for reason in reasons}
    if codes & _INVALID:
        messages = {str(reason.get("Message")) for reason in reasons if reason.get("Code") in _INVALID}
        return WriteRefused("; ".join(sorted(messages)))
    if failed := {place for place, reason in enumerate(reasons) if reason.get("Code") == _CONDITION_FAILED}:
        rows = {place: reasons[place].get("Item") for place in failed}
        return ConditionsFailed({place: decode_item(row) if row else None for place, row in rows.items()})
    return StoreBusy(f"the transaction was cancelled: {', '.join(sorted(codes - {_NO_ERROR}))}")


def _conditional_put(table: str, item: Item, condition: str, values: Item) -> dict[str, Any]:
    """A put that fails with the item that is there. `values` that are None are left out."""
    given = {name: value for name, value in values.items() if value is not None}
    put = {
        "TableName": table,
        "Item": encode_item(item),
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if not given:
        return put
    names = {"ExpressionAttributeNames": names_in(condition)}
    return {**put, **names, "ExpressionAttributeValues": wire_values(given)}


def _range(pk: str, first: str, last: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {":pk": encode(pk), ":first": encode(first), ":last": encode(last)},
    }


@contextmanager
def _errors_by_kind() -> Iterator[None]:
    # Imported here so that the ledger can be imported without botocore.
    from botocore import exceptions as errors  # noqa: PLC0415

    try:
        yield
    except (errors.ConnectionError, errors.HTTPClientError) as error:
        raise StoreBusy(f"no response was received, so the write may or may not have been applied: {error}") from error
    except errors.BotoCoreError as error:
        raise StoreUnavailable(str(error)) from error
    except errors.ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _INVALID:
            raise WriteRefused(str(error)) from error
        is_transient = code in _TRANSIENT or error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERROR
        raise (StoreBusy if is_transient else StoreUnavailable)(str(error)) from error
