"""Any policy round-trips through JSON and its row, and any input can be read."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.policy import BufferWords, FallbackTarget, HedgeAfter, Policy, ProjectPolicies
from switchboard.domain.policy_json import (
    POLICY_FIELDS,
    UNREADABLE,
    PolicyInvalid,
    Problem,
    parse_policy,
    policy_json,
    read_policy,
    read_stored_policy,
)
from switchboard.domain.provider_names import PROVIDER_NAMES
from switchboard.store import keyspace, policy_items
from switchboard.store.attributes import decode_item, encode_item

MILLISECONDS = st.integers(1, 300_000)
PROVIDER = st.sampled_from(sorted(PROVIDER_NAMES))
PRINTABLE = st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"]), min_size=1, max_size=20)
MODEL = st.lists(PRINTABLE, min_size=1, max_size=3).map("/".join)
TASK = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20)

policies = st.builds(
    Policy,
    provider=st.none() | PROVIDER,
    fallback=st.none()
    | st.lists(st.builds(FallbackTarget, PROVIDER, MODEL, st.none() | MILLISECONDS), max_size=7).map(tuple),
    max_attempts=st.none() | st.integers(1, 8),
    ttft_timeout_ms=st.none() | MILLISECONDS,
    plan_timeout_ms=st.none() | MILLISECONDS,
    hedge_after=st.none()
    | st.builds(HedgeAfter)
    | st.builds(HedgeAfter, ms=MILLISECONDS)
    | st.builds(HedgeAfter, quantile=st.integers(50, 99).map(lambda percent: percent / 100)),
    buffer_words=st.none() | st.builds(BufferWords, PRINTABLE, MILLISECONDS) | st.just(BufferWords("", 0)),
    zero_retention=st.none() | st.booleans(),
    allowed_targets=st.none() | st.lists(PROVIDER | st.builds("{}/{}".format, PROVIDER, MODEL), max_size=7).map(tuple),
    recognises_retries=st.none() | st.booleans(),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(POLICY_FIELDS)) | st.text(), inner)
    ),
    max_leaves=8,
)


@given(policies)
def test_a_policy_round_trips_through_json(policy: Policy) -> None:
    assert read_policy(policy_json(policy)) == policy
    assert read_stored_policy(policy_json(policy)) == policy
    assert parse_policy(json.dumps(policy_json(policy))) == policy


@given(policies, st.dictionaries(TASK, policies, max_size=3))
def test_all_policies_of_a_project_round_trip_through_rows(own: Policy, tasks: dict[str, Policy]) -> None:
    rows = [policy_items.to_item("acme", None, own)]
    rows += [policy_items.to_item("acme", task_id, policy) for task_id, policy in tasks.items()]
    assert policy_items.from_items(decode_item(encode_item(row)) for row in rows) == ProjectPolicies(own, tasks)


@given(policies, policies)
def test_the_narrower_policy_wins_and_the_wider_one_fills_in(narrow: Policy, wide: Policy) -> None:
    said = policy_json(narrow)
    assert policy_json(narrow.over(wide)) == policy_json(wide) | said


@given(JSON | st.dictionaries(st.sampled_from(sorted(POLICY_FIELDS)), JSON, max_size=4))
def test_any_json_is_a_policy_or_refused_with_problems(value: Any) -> None:
    left = read_stored_policy(value)
    policy, problems = outcome(value)
    assert (policy is None) == bool(problems)
    assert all(problem.sentence for problem in problems)
    assert policy in {None, left}


@given(st.text(max_size=30) | JSON.map(json.dumps) | st.none() | st.integers() | st.binary(), TASK)
def test_any_row_is_a_policy_or_allows_nothing(text: Any, task_id: str) -> None:
    found = policy_items.from_items([{"sk": keyspace.PROJECT_POLICY, "policy": text}, {"sk": "", "task_id": task_id}])
    try:
        is_object = isinstance(json.loads(text if isinstance(text, str) else ""), dict)
    except ValueError:
        is_object = False
    assert found.unreadable == frozenset([task_id] if is_object else [None, task_id])
    assert found.tasks == {task_id: UNREADABLE}
    assert is_object or found.project == UNREADABLE


def outcome(value: object) -> tuple[Policy | None, tuple[Problem, ...]]:
    try:
        return read_policy(value), ()
    except PolicyInvalid as invalid:
        return None, invalid.problems
