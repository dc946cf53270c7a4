"""How bodies are stored in DynamoDB: shared content once, with sufficient expiry, consistent after any interruption."""

import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store.dynamodb import DynamoStore
from testkit.dynamodb import item_bytes, items_of
from testkit.samples import NOON, an_open_trace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RETENTION = timedelta(days=30)


class Crash(BaseException):
    """Simulates the end of the process."""


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@cache
def prose(characters: int) -> str:
    """Text that compresses about as well as English does."""
    random = Random(3)
    words = ["".join(random.choices("etaoinshrdlu", k=random.randint(2, 9))) for _ in range(5000)]
    return " ".join(random.choices(words, k=characters // 5))[:characters]


def turn(number: int, prompt: str) -> Bodies:
    """The number-th turn of a conversation: the whole history, and an answer."""
    messages = [{"role": "system", "content": prompt}]
    for past in range(number):
        messages += [
            {"role": "user", "content": f"question {past}"},
            {"role": "assistant", "content": f"answer {past}"},
        ]
    messages.append({"role": "user", "content": "and now?"})
    request = json.dumps({"model": "m", "messages": messages, "stream": True}).encode()
    return Bodies(request, b'data: {"choices": []}\n\n' * 40)


def complete(store: DynamoStore, bodies: Bodies, project: str = "acme") -> Trace:
    trace = replace(an_open_trace(project), status=Status.OK)
    store.complete_trace(trace, bodies)
    return trace


@contextmanager
def crash_before(client: "DynamoDBClient", request_number: int) -> Iterator[list[str]]:
    """End the process before that request (from 0) is sent; gives the operations so far."""
    sent: list[str] = []

    def count(**event: Any) -> None:
        if len(sent) == request_number:
            raise Crash
        sent.append(event["event_name"])

    client.meta.events.register("before-send.dynamodb", count)
    try:
        yield sent
    finally:
        client.meta.events.unregister("before-send.dynamodb", count)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def new_store(dynamodb: "DynamoDBClient", table: str, clock: Clock) -> DynamoStore:
    """A store without cached state, as in a new sandbox."""
    return DynamoStore(dynamodb, table, retention=RETENTION, clock=clock)


def test_ten_turns_share_a_prompt_of_two_megabytes(dynamodb: "DynamoDBClient", table: str, clock: Clock) -> None:
    prompt = prose(2_000_000)
    kept = []
    for number in range(10):
        store = new_store(dynamodb, table, clock)
        bodies = turn(number, prompt)
        trace = an_open_trace()
        store.open_trace(trace)
        store.complete_trace(replace(trace, status=Status.OK), bodies)
        kept.append((trace, bodies))
    grown = sum(map(item_bytes, items_of(dynamodb, table)))
    assert grown < 1.3 * len(zlib.compress(prompt.encode()))
    for trace, bodies in kept:
        assert store.find_bodies("acme", trace.trace_id) == bodies


def test_a_usual_turn_writes_one_item_of_bodies(dynamodb: "DynamoDBClient", table: str, clock: Clock) -> None:
    store = new_store(dynamodb, table, clock)
    complete(store, turn(0, prose(4000)))
    with crash_before(dynamodb, -1) as sent:
        complete(store, turn(1, prose(4000)))
    assert len(sent) == 2
    bodies = [item for item in items_of(dynamodb, table) if item["kind"] == {"S": "body"}]
    assert [item_bytes(item) < 1024 for item in bodies] == [True, True]


@pytest.mark.parametrize("size", [349_000, 1_200_000])
def test_long_unshared_content_is_split_over_items(
    dynamodb: "DynamoDBClient", table: str, clock: Clock, size: int
) -> None:
    store = new_store(dynamodb, table, clock)
    bodies = Bodies(Random(5).randbytes(size), Random(6).randbytes(size))
    trace = complete(store, bodies)
    assert store.find_bodies("acme", trace.trace_id) == bodies
    assert max(map(item_bytes, items_of(dynamodb, table))) < 400 * 1000


def test_shared_content_outlives_every_trace_and_is_renewed_once_a_day(
    dynamodb: "DynamoDBClient", table: str, clock: Clock
) -> None:
    writes = 0
    warm = new_store(dynamodb, table, clock)
    for hour in range(0, 24 * 4, 3):
        clock.now = NOON + timedelta(hours=hour)
        store = warm if hour % 2 else new_store(dynamodb, table, clock)
        with crash_before(dynamodb, -1) as sent:
            complete(store, turn(0, prose(400_000)))
        writes += sum(name.endswith("PutItem") for name in sent) > 2
        items = items_of(dynamodb, table)
        lives: dict[str, list[int]] = {"trace": [], "blob": [], "body": []}
        for item in items:
            lives[item["kind"]["S"]].append(int(item["expires_at"]["N"]))
        assert min(lives["blob"]) >= max(lives["trace"] + lives["body"]) >= (clock.now + RETENTION).timestamp()
    assert writes == 4


def test_expired_shared_content_is_written_again(dynamodb: "DynamoDBClient", table: str, clock: Clock) -> None:
    complete(new_store(dynamodb, table, clock), turn(0, prose(800_000)))
    clock.now += RETENTION + timedelta(days=2)
    swept = [item for item in items_of(dynamodb, table) if item["sk"] == {"S": "PART#0001"}]
    for item in swept:
        dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
    store = new_store(dynamodb, table, clock)
    trace = complete(store, turn(1, prose(800_000)))
    assert len(swept) == 1
    assert store.find_bodies("acme", trace.trace_id) == turn(1, prose(800_000))


def test_expired_bodies_are_none(dynamodb: "DynamoDBClient", table: str, clock: Clock) -> None:
    store = new_store(dynamodb, table, clock)
    trace = complete(store, turn(0, prose(800_000)))
    for item in items_of(dynamodb, table):
        if item["sk"]["S"] == "PART#0001":
            dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
    assert store.find_bodies("acme", trace.trace_id) == Bodies(None, turn(0, "").response)


def test_projects_do_not_share_content(dynamodb: "DynamoDBClient", table: str, clock: Clock) -> None:
    store = new_store(dynamodb, table, clock)
    complete(store, turn(0, prose(4000)), "acme")
    complete(store, turn(0, prose(4000)), "other")
    marks = {item["pk"]["S"] for item in items_of(dynamodb, table) if item["sk"] == {"S": "MARK"}}
    assert {pk.split("#")[1] for pk in marks} == {"acme", "other"}


@pytest.mark.parametrize("survivor", ["same process", "new process"])
def test_a_crash_between_any_two_writes_leaves_nothing_unreadable(
    dynamodb: "DynamoDBClient", table: str, clock: Clock, survivor: str
) -> None:
    bodies = Bodies(turn(3, prose(800_000)).request, Random(7).randbytes(500_000))
    crashes = 0
    while True:
        project = f"crash-{crashes}"
        store = new_store(dynamodb, table, clock)
        trace = replace(an_open_trace(project), status=Status.OK)
        with crash_before(dynamodb, crashes) as sent:
            try:
                store.complete_trace(trace, bodies)
            except Crash:
                crashes += 1
            else:
                break
        assert store.find_trace(project, trace.trace_id) == (None if crashes == 1 else trace)
        assert store.find_bodies(project, trace.trace_id) in (Bodies(), bodies)
        if survivor == "new process":
            store = new_store(dynamodb, table, clock)
        other = complete(store, turn(4, prose(800_000)), project)
        store.complete_trace(trace, bodies)
        assert store.find_trace(project, trace.trace_id) == trace
        assert store.find_bodies(project, trace.trace_id) == bodies
        assert store.find_bodies(project, other.trace_id) == turn(4, prose(800_000))
    assert (
        crashes == len(sent) == 8
    )  # the row is written; the mark is read; three parts, the mark and two body items are written


def test_concurrent_writers_share_new_content(dynamodb: "DynamoDBClient", table: str, clock: Clock) -> None:
    def one(number: int) -> tuple[str, Bodies]:
        bodies = turn(number, prose(800_000))
        return complete(new_store(dynamodb, table, clock), bodies).trace_id, bodies

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(one, range(16)))
    store = new_store(dynamodb, table, clock)
    for trace_id, bodies in kept:
        assert store.find_bodies("acme", trace_id) == bodies
