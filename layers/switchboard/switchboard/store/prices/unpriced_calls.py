"""Finds calls without a price: a row for each, and one for each provider and model that they wait for.

A process stores the rows of its calls, then reads the model's row. Where that says that all calls were tried at other
prices than the process knows, they count as untried: that trial may not have seen the new rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import TYPE_CHECKING

from switchboard.domain.repricing import awaited_models
from switchboard.domain.trace import Trace
from switchboard.domain.unpriced import Progress, UnpricedModel, WaitingCalls
from switchboard.store import keyspace
from switchboard.store.attributes import Item, Value
from switchboard.store.dynamodb_update import Update
from switchboard.store.keyspace import Key
from switchboard.store.ledger.conditions import LedgerTable
from switchboard.store.traces import trace_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KIND = "unpriced"
PART_CALLS = 100
"""Calls that are read at once."""

_THREADS = 8
"""Models that are written at once: one caller may name another for each call."""

_DAY_S = 86_400
_EXISTS = "attribute_exists(pk)"
_AT_SAME_PRICES = "#prices = :prices"
_NEVER = 10**10


class DynamoUnpriced:
    """UnpricedCalls on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = LedgerTable(client, table_name)

    def wait(self, traces: Iterable[Trace], prices: str | None) -> None:
        """Store rows for those of the calls that wait for a price (see the port)."""
        ends: dict[UnpricedModel, int] = defaultdict(int)
        items: list[Item] = []
        for trace in traces:
            for provider, name in awaited_models(trace):
                model = UnpricedModel(trace.project, provider, name)
                items.append(_call_item(model, trace))
                ends[model] = max(ends[model], trace.expires_at or _NEVER)
        self._table.put_all(items)
        with ThreadPoolExecutor(_THREADS, "unpriced") as pool:
            list(pool.map(lambda model: self._register(model, ends[model], prices), ends))

    def models(self, project: str) -> Iterator[tuple[UnpricedModel, Progress]]:
        """The models that calls of the project wait for, and how far these were tried."""
        for item in self._table.partition(keyspace.unpriced_models_of_project(project)):
            model = UnpricedModel(project, item["provider"], item["model"])
            yield model, Progress(item.get("prices"), item.get("place"), is_done=bool(item.get("is_done")))

    def begin(self, model: UnpricedModel, prices: str) -> None:
        """Note that the model's calls are being tried at these prices, from the first."""
        self._note(model, "SET #prices = :prices REMOVE #place, #is_done", {"prices": prices}, _EXISTS)

    def mark(self, model: UnpricedModel, prices: str, place: str) -> None:
        """Note that the calls up to the place were tried, unless they count as untried meanwhile."""
        self._note(model, "SET #place = :place", {"prices": prices, "place": place}, _AT_SAME_PRICES)

    def end(self, model: UnpricedModel, prices: str) -> None:
        """Note that all calls were tried, unless they count as untried meanwhile."""
        values: dict[str, Value] = {"prices": prices, "is_done": True}
        self._note(model, "SET #is_done = :is_done REMOVE #place", values, _AT_SAME_PRICES)

    def calls(self, model: UnpricedModel, place: str | None) -> Iterator[WaitingCalls]:
        """The model's waiting calls after the place, in parts."""
        shard, _, after = (place or "0:").partition(":")
        for number in keyspace.UNPRICED_SHARDS[int(shard) :]:
            pk = keyspace.unpriced_calls(model.project, model.provider, model.model, number)
            rows = self._table.between(pk, f"{after} ", "~")  # a space sorts before all that an id can continue with
            for part in batched((row["sk"] for row in rows), PART_CALLS, strict=False):
                yield WaitingCalls(part, self._traces(model.project, part), f"{number}:{part[-1]}")
            after = ""

    def forget(self, model: UnpricedModel, trace_ids: Iterable[str]) -> None:
        """Delete the rows of calls that do not wait for the model."""
        for trace_id in trace_ids:
            self._table.delete(keyspace.unpriced_call(model.project, model.provider, model.model, trace_id))

    def _traces(self, project: str, trace_ids: Iterable[str]) -> tuple[Trace, ...]:
        found = self._table.get_all(keyspace.trace(project, trace_id) for trace_id in trace_ids)
        return tuple(map(trace_items.from_item, found))

    def _register(self, model: UnpricedModel, end: int, prices: str | None) -> None:
        row = self._table.get(_key(model))
        if row is None or row["expires_at"] < end:
            # A day longer than needed, so that it is written once a day.
            names: dict[str, Value] = {
                "kind": KIND,
                "provider": model.provider,
                "model": model.model,
                "expires_at": end + _DAY_S,
            }
            expression = "SET " + ", ".join(f"#{name} = :{name}" for name in names)
            self._note(model, expression, names)
        if row is not None and row.get("prices") not in (None, prices):
            self._note(model, "REMOVE #prices, #place, #is_done", {"stored": row["prices"]}, "#prices = :stored")

    def _note(
        self, model: UnpricedModel, expression: str, values: Mapping[str, Value], condition: str | None = None
    ) -> None:
        self._table.update_if(Update(_key(model), expression, values, condition))


def _key(model: UnpricedModel) -> Key:
    return keyspace.unpriced_model(model.project, model.provider, model.model)


def _call_item(model: UnpricedModel, trace: Trace) -> Item:
    key = keyspace.unpriced_call(model.project, model.provider, model.model, trace.trace_id)
    return {"pk": key.pk, "sk": key.sk, "kind": KIND, "expires_at": trace.expires_at}
