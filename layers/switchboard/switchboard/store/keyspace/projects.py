"""The keys of what a project has before any call: its registration, gateway keys and policies."""

from datetime import UTC, datetime

from switchboard.store.keyspace.parts import Key, part

PROJECTS = "PROJECTS"
PROJECT_POLICY = "PROJECT"
TASK_POLICIES = "TASK#"


def gateway_key(digest: str) -> Key:
    """The key of a gateway key's item."""
    return Key(f"KEY#{part(digest)}", "KEY")


def keys_of_project(project: str) -> str:
    """The index partition that lists a project's keys."""
    return f"P#{part(project)}#KEYS"


def key_order(created: datetime, key_id: str) -> str:
    """The sort key of a gateway key in its project's list, by age."""
    return f"{created.astimezone(UTC).isoformat(timespec='microseconds')}#{key_id}"


def project(project: str) -> Key:
    """The key of a project's registration."""
    return Key(PROJECTS, part(project))


def policy(project: str, task_id: str | None) -> Key:
    """The key of a task's policy, or without a task, of the project's own."""
    return Key(policies_of_project(project), PROJECT_POLICY if task_id is None else f"{TASK_POLICIES}{part(task_id)}")


def policies_of_project(project: str) -> str:
    """The partition that holds a project's policies."""
    return f"P#{part(project)}#POLICIES"
