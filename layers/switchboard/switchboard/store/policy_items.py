"""Policies ⇄ rows: `from_items` returns what `to_item` was given, and ignores what a newer version wrote."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from switchboard.domain.policy import Policy, ProjectPolicies
from switchboard.domain.policy_json import UNREADABLE, policy_json, read_stored_policy
from switchboard.store import keyspace
from switchboard.store.attributes import Item

KIND = "policy"


def to_item(project: str, task_id: str | None, policy: Policy) -> Item:
    """The row of a task's policy, or without a task, of the project's own; it never expires."""
    place = keyspace.policy(project, task_id)
    return {
        "pk": place.pk,
        "sk": place.sk,
        "kind": KIND,
        "project": project,
        "task_id": task_id,
        # As text: hundreds may be read at once, and decoding attributes would take more than twice as long.
        "policy": json.dumps(policy_json(policy), ensure_ascii=False, separators=(",", ":")),
    }


def from_items(items: Iterable[Mapping[str, Any]]) -> ProjectPolicies:
    """The policies of a project's rows. Never raises: calls must be answered whatever a row contains."""
    project, tasks = Policy(), {}
    for item in items:
        policy, task_id = _policy(item.get("policy")), item.get("task_id")
        if item["sk"] == keyspace.PROJECT_POLICY:
            project = policy
        elif isinstance(task_id, str):
            tasks[task_id] = policy
    policies = (None, project), *tasks.items()
    return ProjectPolicies(project, tasks, frozenset(name for name, policy in policies if policy is UNREADABLE))


def _policy(text: object) -> Policy:
    try:
        return read_stored_policy(json.loads(text)) if isinstance(text, str) else UNREADABLE
    except (ValueError, RecursionError):
        return UNREADABLE
