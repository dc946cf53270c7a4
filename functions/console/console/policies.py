"""Reads and changes policies: reading takes the scope `read`, changing takes `admin`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from console.auth import authenticate
from console.errors import BodyTooLarge, ParameterInvalid, PolicyRefused, PolicyUnknown, TooManyPolicies
from switchboard.domain.keys import Scope
from switchboard.domain.policy import Policy
from switchboard.domain.policy_json import PolicyInvalid, PolicyTooLarge, parse_policy, policy_json, read_task_id
from switchboard.store.ports import KeyStore, PoliciesFull, PolicyStore

_NOTHING = Policy()


class Store(KeyStore, PolicyStore, Protocol):
    """Keys and policies in one."""


@dataclass(frozen=True, slots=True)
class Policies:
    """Reads and changes policies; `task_id` None means the project's own. All methods block, and raise
    StoreUnavailable."""

    store: Store
    now: Callable[[], datetime]

    def project_of(self, authorization: str | None, scope: Scope) -> str:
        """The project that the caller's key belongs to. Raises KeyMissing, KeyUnknown, KeyRevoked or ScopeMissing."""
        return authenticate(authorization, self.store, self.now(), scope)

    def show(self, project: str, task_id: str | None) -> dict[str, object]:
        """The stored policy, or that it is unreadable; for a task also the effective one. Raises ParameterInvalid."""
        task_id = _task(task_id)
        found = self.store.policies(project)
        own = found.project if task_id is None else found.tasks.get(task_id, _NOTHING)
        # What applies in place of an unreadable policy was not written by a user, so it is not shown as `policy`.
        shown: dict[str, object] = (
            {"policy": None, "unreadable": True} if task_id in found.unreadable else {"policy": policy_json(own)}
        )
        return shown if task_id is None else shown | {"effective": policy_json(found.for_task(task_id))}

    def put(self, project: str, task_id: str | None, body: bytes) -> dict[str, object]:
        """Store the policy in a JSON body, replacing an older one, and return it.

        Raises ParameterInvalid, BodyTooLarge, PolicyRefused or TooManyPolicies.
        """
        task_id, policy = _task(task_id), _policy(body)
        try:
            self.store.put_policy(project, task_id, policy)
        except PoliciesFull as full:
            raise TooManyPolicies(str(full), param="task_id") from full
        return {"policy": policy_json(policy)}

    def delete(self, project: str, task_id: str | None) -> None:
        """Delete the policy. Raises ParameterInvalid or PolicyUnknown."""
        if not self.store.delete_policy(project, _task(task_id)):
            raise PolicyUnknown("There is no such policy in the key's project.")


def _task(task_id: str | None) -> str | None:
    try:
        return None if task_id is None else read_task_id(task_id)
    except PolicyInvalid as invalid:
        raise ParameterInvalid(f"{invalid} The path is /api/tasks/<task_id>/policy.", param="task_id") from invalid


def _policy(body: bytes) -> Policy:
    try:
        return parse_policy(body)
    except PolicyTooLarge as too_large:
        raise BodyTooLarge(str(too_large)) from too_large
    except PolicyInvalid as invalid:
        raise PolicyRefused(str(invalid), param=invalid.problems[0].field or None) from invalid
