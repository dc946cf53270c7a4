"""What a route depends on: the reads, and the project of the caller's key.

The key is checked first, then the names of the query parameters, then their values.
"""

from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from console.auth import authenticate
from console.parameters import Parameters, lists_of, names_of, once_each
from console.queries import Queries
from console.reads import Reads
from switchboard.domain.keys import Scope

KEY = HTTPBearer(
    scheme_name="gateway_key",
    description="A gateway key with the scope `read`; `admin` for what changes something.",
    auto_error=False,  # `authenticate` refuses, in the API's own shape
)


def reads_of(request: Request) -> Reads:
    """What the application reads from."""
    return cast("Reads", request.app.state.reads)


def queries_of(request: Request) -> Queries:
    """What the application answers questions about many calls from."""
    return cast("Queries", request.app.state.queries)


def reader(request: Request, _key: Annotated[object, Security(KEY)]) -> str:
    """The project of a key that may read. Raises KeyMissing, KeyUnknown, KeyRevoked, ScopeMissing, ParameterInvalid."""
    return _project(request, Scope.READ)


def admin(request: Request, _key: Annotated[object, Security(KEY)]) -> str:
    """The project of a key that may change what is stored. Raises as `reader` does."""
    return _project(request, Scope.ADMIN)


# Not async: they block on the store, so Starlette runs them in a thread.
type ReadsOfApp = Annotated[Reads, Depends(reads_of)]
type QueriesOfApp = Annotated[Queries, Depends(queries_of)]
type Reader = Annotated[str, Depends(reader)]
type Admin = Annotated[str, Depends(admin)]


def _project(request: Request, scope: Scope) -> str:
    reads = reads_of(request)
    project = authenticate(request.headers.get("authorization"), reads.store, reads.now(), scope)
    for model in _models(request):
        once_each(request.query_params.multi_items(), names_of(model), lists_of(model))
    return project


def _models(request: Request) -> list[type[BaseModel]]:
    """The models of the route's parameters: there is one, of no parameter if it takes none."""
    fields = cast("APIRoute", request.scope["route"]).dependant.query_params
    return [cast("type[BaseModel]", field.field_info.annotation) for field in fields] or [Parameters]
