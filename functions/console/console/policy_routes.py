"""The routes of policies."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from console.access import Admin, Reader, reads_of
from console.answers import answer_json, answering, refusals
from console.errors import BodyTooLarge, PolicyRefused, PolicyUnknown, TooManyPolicies
from console.policies import Policies
from console.policy_shapes import ProjectPolicyJson, StoredPolicyJson, TaskPolicyJson
from console.request_body import beginning
from switchboard.domain.limits import MAX_POLICY_BYTES

router = APIRouter(prefix="/api", tags=["policies"])

PROJECT = "/policy"
TASK = "/tasks/{task_id:path}/policy"  # the path is already decoded, so a task id may contain slashes

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"The policy, {MAX_POLICY_BYTES:,} bytes at most. It replaces the older one.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PolicyJson"}}},
    }
}
_REFUSED_PUTS = refusals(PolicyRefused, BodyTooLarge, TooManyPolicies)
_REFUSED_DELETES = refusals(PolicyUnknown)


def policies_of(request: Request) -> Policies:
    """The policies that the application reads and changes."""
    return Policies(reads_of(request).store)


type PoliciesOfApp = Annotated[Policies, Depends(policies_of)]


@router.get(PROJECT, responses=refusals())
@answering
def show_policy(policies: PoliciesOfApp, project: Reader) -> ProjectPolicyJson:
    """The project's policy."""
    return policies.show(project)


@router.get(TASK, responses=refusals())
@answering
def show_task_policy(policies: PoliciesOfApp, project: Reader, task_id: str) -> TaskPolicyJson:
    """A task's policy, and the effective one."""
    return policies.show_task(project, task_id)


@router.put(PROJECT, response_model=StoredPolicyJson, responses=_REFUSED_PUTS, openapi_extra=_BODY)
async def put_policy(request: Request, policies: PoliciesOfApp, project: Admin) -> Response:
    """Store the project's policy."""
    return answer_json(await run_in_threadpool(policies.put, project, None, await beginning(request, MAX_POLICY_BYTES)))


@router.put(TASK, response_model=StoredPolicyJson, responses=_REFUSED_PUTS, openapi_extra=_BODY)
async def put_task_policy(request: Request, policies: PoliciesOfApp, project: Admin, task_id: str) -> Response:
    """Store a task's policy."""
    return answer_json(
        await run_in_threadpool(policies.put, project, task_id, await beginning(request, MAX_POLICY_BYTES))
    )


@router.delete(PROJECT, status_code=204, response_class=Response, responses=_REFUSED_DELETES)
def delete_policy(policies: PoliciesOfApp, project: Admin) -> Response:
    """Delete the project's policy."""
    policies.delete(project, None)
    return Response(status_code=204)


@router.delete(TASK, status_code=204, response_class=Response, responses=_REFUSED_DELETES)
def delete_task_policy(policies: PoliciesOfApp, project: Admin, task_id: str) -> Response:
    """Delete a task's policy."""
    policies.delete(project, task_id)
    return Response(status_code=204)
