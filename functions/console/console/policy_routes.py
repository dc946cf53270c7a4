"""The routes of policies."""

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from console.answers import answer_json
from console.parameters import once_each
from console.policies import Policies
from switchboard.domain.keys import Scope
from switchboard.domain.limits import MAX_POLICY_BYTES

SCOPES = {"GET": Scope.READ, "PUT": Scope.ADMIN, "DELETE": Scope.ADMIN}


def add_policies(app: FastAPI, policies: Policies) -> None:
    """Add the routes of the project's policy and of its tasks' policies."""

    async def policy(request: Request) -> Response:
        body = await _beginning(request) if request.method == "PUT" else b""
        return await run_in_threadpool(_answer, policies, request, body)

    app.add_api_route("/api/policy", policy, methods=[*SCOPES])
    # The path is already decoded, so a task id may contain slashes.
    app.add_api_route("/api/tasks/{task_id:path}/policy", policy, methods=[*SCOPES])


def _answer(policies: Policies, request: Request, body: bytes) -> Response:
    project = policies.project_of(request.headers.get("authorization"), SCOPES[request.method])
    once_each(request.query_params.multi_items(), ())
    task_id = request.path_params.get("task_id")
    match request.method:
        case "PUT":
            return answer_json(policies.put(project, task_id, body))
        case "DELETE":
            policies.delete(project, task_id)
            return Response(status_code=204)
        case _:
            return answer_json(policies.show(project, task_id))


async def _beginning(request: Request) -> bytes:
    """The body, or its beginning if it is too large: the key is checked before the size is."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_POLICY_BYTES:
            break
    return bytes(body)
