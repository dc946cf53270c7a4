"""Whatever a caller or a provider sends, a real table takes the open row and the trace, and the call gets its cost."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, override

import pytest

from switchboard.domain.limits import MAX_NOTE_CHARACTERS, MAX_NOTED_NAMES, MAX_NOTES
from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.trace_id import new_trace_id
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.ledger import DynamoLedger
from testkit.dynamodb import new_table
from testkit.fuzz_bodies import serialised
from testkit.fuzz_checks import Asked, Heard, Said
from testkit.fuzz_gateway import GOOD_STREAM, FuzzedGateway, routed
from testkit.memory_store import MemoryStore
from testkit.openai_events import DONE, chunk, finish, usage
from testkit.samples import NOON, one_price
from testkit.twins.gateway import GATEWAY_KEY, PROJECT, a_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CARD = RateCard("openai", "m", Rates(3, 15, 1, 4, 6), ALWAYS, "a test")
COUNTED = Said((chunk("a"), finish(), usage(20, 7), DONE))
LONG = "é" * 300_000


class TableBesides(MemoryStore):
    """Keeps traces in memory and writes them to a table too, as the gateway does."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        super().__init__(a_key(GATEWAY_KEY))
        self.real = DynamoStore(client, table, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))
        self.ledger = DynamoLedger(client, table, random=Random(1))

    @override
    def complete_trace(self, trace: Trace, bodies: Bodies) -> None:
        self.real.complete_trace(trace, bodies)
        super().complete_trace(trace, bodies)


@pytest.fixture(scope="module")
def store(dynamodb: "DynamoDBClient") -> TableBesides:
    return TableBesides(dynamodb, new_table(dynamodb))


@pytest.fixture(scope="module")
def gateway(store: TableBesides) -> Iterator[FuzzedGateway]:
    running = FuzzedGateway(store=store)
    yield running
    running.close()


def asked(row: str, fields: dict[str, Any], headers: dict[str, bytes] | None = None) -> Asked:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello?"}]} | fields
    return Asked(serialised(body), tuple((routed(row) | (headers or {})).items()))


def stored(store: TableBesides, heard: Heard) -> Trace:
    """The call's trace as the table has it, settled."""
    trace_id = heard.header("x-inference-trace-id")
    found = store.real.find_trace(PROJECT, trace_id)
    assert found is not None
    assert store.ledger.settle([settled(found, one_price(CARD), NOON)]).fresh
    found = store.real.find_trace(PROJECT, trace_id)
    assert found is not None
    return found


def has_open_row(store: TableBesides, heard: Heard) -> bool:
    """Whether the table takes the call's row while it is open, under another id."""
    trace = store.traces[PROJECT, heard.header("x-inference-trace-id")]
    trace = replace(trace, trace_id=new_trace_id(NOON, Random()), status=Status.OPEN)
    store.real.open_trace(trace)
    return store.real.find_trace(PROJECT, trace.trace_id) is not None


METADATA = {f"x-inference-metadata-{number}": LONG[:1000].encode() for number in range(50)}
REQUESTS: dict[str, tuple[dict[str, Any], dict[str, bytes]]] = {
    "a field with a long name": ({LONG: 1}, {}),
    "9,000 unknown fields": ({f"field_{'x' * 60}_{number}": 1 for number in range(9000)}, {}),
    "fields with long names": ({f"{number}{LONG[:9_000]}": 1 for number in range(40)}, {}),
    "fields of a message": ({"messages": [{"role": "user", "content": "a"} | {f"f{n}": 1 for n in range(9000)}]}, {}),
    "all metadata there may be": ({}, METADATA),
    "an extra body": ({"elevenlabs_extra_body": {f"{n}{'🙂' * 900}": "🙂" * 900 for n in range(60)}}, {}),
    "a long user": ({"user_id": LONG}, {}),
    "a long name of a tool": ({"tools": [{"type": "function", "function": {"name": LONG}}]}, {}),
    "a long type of a part": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": LONG, LONG: 1}]}]},
        {},
    ),
    "the longest labels": (
        {"model": "🙂" * 512},
        {"x-inference-task-id": "🙂".encode() * 256, "x-inference-environment": "🙂".encode() * 256},
    ),
    "many headers": ({}, {f"x-inference-{number:0900}": b"1" for number in range(500)}),
    "many fallbacks": ({}, {"x-inference-fallback": b",".join([b"groq/" + b"x" * 200] * 7)}),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_whatever_a_caller_sends_its_call_has_a_row_and_a_cost(
    gateway: FuzzedGateway, store: TableBesides, what: str
) -> None:
    heard = gateway.call(asked("openai", *REQUESTS[what]), COUNTED)
    assert heard.status in (200, 400)
    found = stored(store, heard)
    assert found.settlement is not None
    assert len(found.notes) <= MAX_NOTES + 2
    assert max(map(len, found.notes), default=0) <= 2 * MAX_NOTE_CHARACTERS
    if heard.status == 200:
        assert has_open_row(store, heard)
        assert found.usage.tokens is not None
        assert (found.usage.tokens.prompt, found.settlement.cost_pico_usd) == (20, 20 * 3 + 7 * 15)


ANSWERS: dict[str, Said] = {
    "a long finish reason": Said((chunk("a"), finish(LONG), DONE)),
    "many finish reasons": Said((chunk("a"), *[finish(f"reason {number:_>33}") for number in range(2000)], DONE)),
    "a long error": Said((serialised({"error": {"message": LONG, "code": LONG, "type": LONG, "param": LONG}}),), 400),
    "a long error in a stream": Said((b"data: " + serialised({"error": {"message": LONG, "code": LONG}}) + b"\n\n",)),
    "a long model and id": Said(
        (b"data: " + serialised({"id": LONG, "model": LONG, "choices": []}) + b"\n\n", chunk("a"), finish(), DONE)
    ),
    "long headers": Said((b"{}",), 429, {"retry-after": "1" * 10_000, "content-type": "x" * 10_000}),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_whatever_a_provider_answers_its_call_has_a_row(gateway: FuzzedGateway, store: TableBesides, what: str) -> None:
    found = stored(store, gateway.call(asked("generic", {}), ANSWERS[what]))
    assert found.settlement is not None
    assert len(found.finish_reason or "") <= 64


def test_the_first_unknown_fields_are_noted_and_the_others_counted(gateway: FuzzedGateway, store: TableBesides) -> None:
    found = stored(store, gateway.call(asked("openai", {f"field_{number:05}": 1 for number in range(9000)})))
    names = [note for note in found.notes if note.startswith("left out field_")]
    assert names == [f"left out field_{number:05}" for number in range(MAX_NOTED_NAMES)]
    assert f"left out {9000 - MAX_NOTED_NAMES} more fields" in found.notes


def test_a_row_says_what_was_left_out_of_it(gateway: FuzzedGateway, store: TableBesides) -> None:
    extras = {f"{number}": "🙂" * 2000 for number in range(50)}
    heard = gateway.call(asked("generic", {"elevenlabs_extra_body": extras}), GOOD_STREAM)
    found = stored(store, heard)
    assert found.notes[-1].startswith("left out, since the row would not fit the table: metadata extra.")
    assert 20 < len(found.metadata) < 50
