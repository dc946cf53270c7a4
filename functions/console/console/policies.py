"""Shows and changes policies."""

from dataclasses import dataclass
from typing import cast

from console.errors import BodyTooLarge, ParameterInvalid, PolicyRefused, PolicyUnknown, TooManyPolicies
from console.policy_shapes import PolicyJson, ProjectPolicyJson, StoredPolicyJson, TaskPolicyJson
from switchboard.domain.policy import Policy, ProjectPolicies
from switchboard.domain.policy_json import PolicyInvalid, PolicyTooLarge, parse_policy, policy_json, read_task_id
from switchboard.store.ports import PoliciesFull, PolicyStore

_NOTHING = Policy()


@dataclass(frozen=True, slots=True)
class Policies:
    """Reads and changes policies; `task_id` None means the project's own. All methods block, and raise
    StoreUnavailable."""

    store: PolicyStore

    def show(self, project: str) -> ProjectPolicyJson:
        """The project's stored policy, or that it is unreadable."""
        return _shown(self.store.policies(project), None)

    def show_task(self, project: str, task_id: str) -> TaskPolicyJson:
        """The task's stored policy, or that it is unreadable, and the effective one. Raises ParameterInvalid."""
        found, task_id = self.store.policies(project), _task(task_id)
        return {**_shown(found, task_id), "effective": _json(found.for_task(task_id))}

    def put(self, project: str, task_id: str | None, body: bytes) -> StoredPolicyJson:
        """Store the policy in a JSON body, replacing an older one, and return it.

        Raises ParameterInvalid, BodyTooLarge, PolicyRefused or TooManyPolicies.
        """
        task_id, policy = _task_or_none(task_id), _policy(body)
        try:
            self.store.put_policy(project, task_id, policy)
        except PoliciesFull as full:
            raise TooManyPolicies(str(full), param="task_id") from full
        return {"policy": _json(policy)}

    def delete(self, project: str, task_id: str | None) -> None:
        """Delete the policy. Raises ParameterInvalid or PolicyUnknown."""
        if not self.store.delete_policy(project, _task_or_none(task_id)):
            raise PolicyUnknown("There is no such policy in the key's project.")


def _shown(found: ProjectPolicies, task_id: str | None) -> ProjectPolicyJson:
    # What applies in place of an unreadable policy was not written by a user, so it is not shown as `policy`.
    if task_id in found.unreadable:
        return {"policy": None, "unreadable": True}
    return {"policy": _json(found.project if task_id is None else found.tasks.get(task_id, _NOTHING))}


def _json(policy: Policy) -> PolicyJson:
    return cast("PolicyJson", policy_json(policy))  # a test compares the fields


def _task_or_none(task_id: str | None) -> str | None:
    return None if task_id is None else _task(task_id)


def _task(task_id: str) -> str:
    try:
        return read_task_id(task_id)
    except PolicyInvalid as invalid:
        raise ParameterInvalid(f"{invalid} The path is /api/tasks/<task_id>/policy.", param="task_id") from invalid


def _policy(body: bytes) -> Policy:
    try:
        return parse_policy(body)
    except PolicyTooLarge as too_large:
        raise BodyTooLarge(str(too_large)) from too_large
    except PolicyInvalid as invalid:
        raise PolicyRefused(str(invalid), param=invalid.problems[0].field or None) from invalid
