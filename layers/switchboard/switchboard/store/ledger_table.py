"""The table as the ledger needs it: ranges in order, updates under a condition, transactions; refusals told apart."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from switchboard.store.attributes import decode_item, encode
from switchboard.store.dynamodb_table import Table
from switchboard.store.dynamodb_update import Update
from switchboard.store.ports import StoreBusy, StoreUnavailable, WriteRefused

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_CONDITION_FAILED = "ConditionalCheckFailed"
_NOTHING_WRONG = "None"
_SERVER_ERROR = 500
_INVALID = frozenset({"ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded"})
_PASSING = frozenset(
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
    """A transaction was cancelled, and trying it again cannot help: `rows` are those that stood against it.

    They go by their place in the transaction; None is a row that is not there.
    """

    def __init__(self, rows: Mapping[int, dict[str, Any] | None]) -> None:
        super().__init__(f"the conditions of {len(rows)} rows were not met")
        self.rows = rows


class LedgerTable(Table):
    """Also raises StoreBusy where another try may help, and WriteRefused where none ever will."""

    def between(self, pk: str, first: str, last: str) -> Iterator[dict[str, Any]]:
        """Items of a partition with an sk from first to last, in order, as the last writes left them."""
        return self._pages(_range(pk, first, last) | {"ConsistentRead": True})

    def between_where(self, pk: str, first: str, last: str, **wanted: str) -> Iterator[dict[str, Any]]:
        """Those of them whose attributes have these texts; a moment old."""
        query = _range(pk, first, last)
        query["FilterExpression"] = " AND ".join(f"#{name} = :{name}" for name in wanted)
        query["ExpressionAttributeNames"] = {f"#{name}": name for name in wanted}
        query["ExpressionAttributeValues"] |= {f":{name}": encode(text) for name, text in wanted.items()}
        return self._pages(query)

    def update_if(self, update: Update) -> bool:
        """Update the row if it meets the condition; says whether it did."""
        with _refusals_told_apart():
            try:
                self._client.update_item(**update.wire(self._name))
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def transact(self, updates: Sequence[Update]) -> None:
        """Make all updates or none. Raises ConditionsFailed."""
        items: list[TransactWriteItemTypeDef] = [
            {"Update": {**update.wire(self._name), "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}  # type: ignore[typeddict-item]
            for update in updates
        ]
        with _refusals_told_apart():
            try:
                self._client.transact_write_items(TransactItems=items)
            except self._client.exceptions.TransactionCanceledException as cancelled:
                raise _reason(cancelled.response["CancellationReasons"]) from cancelled


def _reason(reasons: Sequence[Mapping[str, Any]]) -> Exception:
    """The gravest reason of all: what can never be written, then what has changed meanwhile, then what may pass."""
    codes = {reason.get("Code", _NOTHING_WRONG) for reason in reasons}
    if codes & _INVALID:
        messages = {str(reason.get("Message")) for reason in reasons if reason.get("Code") in _INVALID}
        return WriteRefused("; ".join(sorted(messages)))
    if failed := {place for place, reason in enumerate(reasons) if reason.get("Code") == _CONDITION_FAILED}:
        rows = {place: reasons[place].get("Item") for place in failed}
        return ConditionsFailed({place: decode_item(row) if row else None for place, row in rows.items()})
    return StoreBusy(f"the transaction was cancelled: {', '.join(sorted(codes - {_NOTHING_WRONG}))}")


def _range(pk: str, first: str, last: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {":pk": encode(pk), ":first": encode(first), ":last": encode(last)},
    }


@contextmanager
def _refusals_told_apart() -> Iterator[None]:
    # Imported here so that the ledger can be imported without botocore.
    from botocore import exceptions as refusals  # noqa: PLC0415

    try:
        yield
    except (refusals.ConnectionError, refusals.HTTPClientError) as error:
        raise StoreBusy(f"no answer came, and it may be done or not: {error}") from error
    except refusals.BotoCoreError as error:
        raise StoreUnavailable(str(error)) from error
    except refusals.ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _INVALID:
            raise WriteRefused(str(error)) from error
        is_passing = code in _PASSING or error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERROR
        raise (StoreBusy if is_passing else StoreUnavailable)(str(error)) from error
