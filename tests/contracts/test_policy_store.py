"""The contract of every policy store."""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from switchboard.domain.limits import MAX_TASK_POLICIES
from switchboard.domain.policy import NO_POLICIES, BufferWords, FallbackTarget, HedgeAfter, Policy, ProjectPolicies
from switchboard.store import keyspace
from switchboard.store.attributes import Item, Value, encode_item
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ports import PoliciesFull, PolicyStore
from testkit.samples import NOON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OWN = Policy(max_attempts=2, zero_retention=False)
BOOKING = Policy(
    provider="anthropic",
    fallback=(FallbackTarget("groq", "llama-3.3-70b-versatile"), FallbackTarget("openai", "gpt-4o-mini", 3000)),
    hedge_after=HedgeAfter(quantile=0.95),
    buffer_words=BufferWords("Moment, ich schau' nach 🙂", 1500),
    zero_retention=True,
    allowed_targets=(),
)


def test_policies_are_found_by_project_and_task(store: PolicyStore) -> None:
    store.put_policy("acme", None, OWN)
    store.put_policy("acme", "booking", BOOKING)
    store.put_policy("acme", "PROJECT", Policy(max_attempts=1))
    store.put_policy("other", "booking", Policy(max_attempts=8))
    found = store.policies("acme")
    assert found == ProjectPolicies(OWN, {"booking": BOOKING, "PROJECT": Policy(max_attempts=1)})
    assert found.for_task("booking").max_attempts == 2
    assert found.for_task("elsewhere") == OWN


def test_a_project_without_policies_has_no_field_set(store: PolicyStore) -> None:
    assert store.policies("nobody") == NO_POLICIES


@pytest.mark.parametrize("task_id", [None, "booking"])
def test_putting_a_policy_again_replaces_it_whole(store: PolicyStore, task_id: str | None) -> None:
    store.put_policy("acme", task_id, BOOKING)
    store.put_policy("acme", task_id, OWN)
    assert store.policies("acme").for_task("booking") == OWN


@pytest.mark.parametrize("task_id", [None, "booking"])
def test_a_policy_is_deleted_once(store: PolicyStore, task_id: str | None) -> None:
    for kept in (None, "booking"):
        store.put_policy("acme", kept, OWN)
    assert store.delete_policy("acme", task_id)
    assert not store.delete_policy("acme", task_id)
    left = store.policies("acme")
    assert (left.project, left.tasks) == ((Policy(), {"booking": OWN}) if task_id is None else (OWN, {}))


@pytest.mark.parametrize("task_id", ["a#b", "a%23b", "TASK#a", "x" * 256, "ß" * 256, "é" * 255 + "f", " "])
def test_a_task_may_have_any_name(store: PolicyStore, task_id: str) -> None:
    store.put_policy("acme", "a", OWN)
    store.put_policy("acme", task_id, BOOKING)
    assert store.policies("acme").tasks == {"a": OWN, task_id: BOOKING}
    assert store.delete_policy("acme", task_id)
    assert store.policies("acme").tasks == {"a": OWN}


def test_the_number_of_task_policies_is_limited(store: PolicyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_TASK_POLICIES == 500
    for module in ("switchboard.store.dynamodb", "testkit.memory_store"):
        monkeypatch.setattr(f"{module}.MAX_TASK_POLICIES", 3)
    for number in range(3):
        store.put_policy("acme", f"task {number}", OWN)
    with pytest.raises(PoliciesFull, match="3 tasks of this project"):
        store.put_policy("acme", "one more", OWN)
    store.put_policy("acme", "task 2", BOOKING)
    store.put_policy("acme", None, BOOKING)
    store.put_policy("other", "one more", OWN)
    assert store.delete_policy("acme", "task 1")
    store.put_policy("acme", "one more", OWN)
    assert store.policies("acme") == ProjectPolicies(BOOKING, {"task 0": OWN, "task 2": BOOKING, "one more": OWN})


@pytest.fixture
def dynamo(dynamodb: "DynamoDBClient", table: str) -> DynamoStore:
    return DynamoStore(dynamodb, table, retention=timedelta(0), clock=lambda: NOON)


def test_unknown_rows_of_a_newer_version_are_ignored(
    dynamo: DynamoStore, dynamodb: "DynamoDBClient", table: str
) -> None:
    pk = keyspace.policies_of_project("acme")
    dynamo.put_policy("acme", "booking", OWN)
    rows: tuple[Item, ...] = (
        {"sk": "PROJECT", "policy": '{"max_attempts": 4, "fallback": ["newer/x"], "newer": {"a": 1.5}}', "newer": 1},
        {"sk": "TASK#bare"},
        {"sk": "NEWER#x", "of": b"\x00"},
    )
    for row in rows:
        dynamodb.put_item(TableName=table, Item=encode_item({"pk": pk, **row}))
    assert dynamo.policies("acme") == ProjectPolicies(Policy(max_attempts=4, fallback=()), {"booking": OWN})


CLOSED = Policy(zero_retention=True, allowed_targets=())


@pytest.mark.parametrize(
    "written",
    ["none", '{"zero_retention": true', "[]", "null", "", "[" * 100_000, {"max_attempts": 4}, 1, b"{}", None],
    ids=["word", "cut", "list", "null", "empty", "deep", "map", "number", "bytes", "absent"],
)
@pytest.mark.parametrize("task_id", [None, "booking"])
def test_an_unreadable_row_allows_nothing_and_is_reported(
    dynamo: DynamoStore, dynamodb: "DynamoDBClient", table: str, written: Value, task_id: str | None
) -> None:
    dynamo.put_policy("acme", "another", OWN)
    place = keyspace.policy("acme", task_id)
    row: Item = {"pk": place.pk, "sk": place.sk, "task_id": task_id, "policy": written}
    dynamodb.put_item(TableName=table, Item=encode_item(row))
    found = dynamo.policies("acme")
    assert found.for_task("booking") == CLOSED
    assert found.for_task("another") == (OWN if task_id else OWN.over(CLOSED))
    assert found.unreadable == {task_id}
    dynamo.put_policy("acme", task_id, CLOSED)
    assert dynamo.policies("acme").unreadable == frozenset()


def test_reading_takes_one_consistent_query(dynamo: DynamoStore, dynamodb: "DynamoDBClient") -> None:
    for number in range(40):
        dynamo.put_policy("acme", f"task {number}", BOOKING)
    asked: Counter[tuple[str, bool]] = Counter()
    dynamodb.meta.events.register(
        "before-parameter-build.dynamodb",
        lambda params, model, **_: asked.update([(model.name, params["ConsistentRead"])]),
        "asked",
    )
    try:
        assert len(dynamo.policies("acme").tasks) == 40
    finally:
        dynamodb.meta.events.unregister("before-parameter-build.dynamodb", unique_id="asked")
    assert asked == {("Query", True): 1}
