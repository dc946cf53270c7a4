"""The routes of prices."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import BeforeValidator, Field, TypeAdapter
from pydantic.json_schema import SkipJsonSchema

from console.access import Admin, Reader
from console.answers import answer_json, answering, refusals
from console.errors import BodyTooLarge, PriceConflict, PriceRefused, PriceUnknown, TooManyPrices
from console.parameters import Parameters
from console.price_shapes import ElevenLabsJson, NewPriceJson, PricesJson, StoredPriceJson
from console.prices import Asked, Prices
from console.query import DEFAULT_LIMIT, MAX_LIMIT, read_limit
from console.request_body import beginning
from switchboard.domain.limits import MAX_PRICE_BYTES

router = APIRouter(prefix="/api/prices", tags=["prices"])


def _body() -> dict[str, Any]:
    """The body's description. The shapes within it are in the document already: stored prices have them too."""
    schema = TypeAdapter(NewPriceJson).json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs")
    schema["required"] = [*schema["required"], "input", "output"]  # of the amounts, which all prices share
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "description": _BODY_DESCRIPTION, "content": content}}


_BODY_DESCRIPTION = f"The price, {MAX_PRICE_BYTES:,} bytes at most."


class PricesAsked(Parameters):
    """Which prices to list."""

    provider: str | SkipJsonSchema[None] = None
    """Only this provider's, by its name in calls."""
    model: str | SkipJsonSchema[None] = None
    """Only this model's, in any case."""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(read_limit)] = DEFAULT_LIMIT
    """How many of the book to answer at most."""
    cursor: str | SkipJsonSchema[None] = None
    """`next_cursor` of the previous page."""


def prices_of(request: Request) -> Prices:
    """The prices that the application shows and changes."""
    return cast("Prices", request.app.state.prices)


type PricesOfApp = Annotated[Prices, Depends(prices_of)]


@router.get("", responses=refusals())
@answering
def list_prices(prices: PricesOfApp, project: Reader, asked: Annotated[PricesAsked, Query()]) -> PricesJson:
    """The project's own prices, and a page of the price book."""
    return prices.list(project, Asked(asked.limit, asked.provider, asked.model, asked.cursor))


@router.get("/elevenlabs", responses=refusals())
@answering
def list_elevenlabs_prices(prices: PricesOfApp, project: Reader) -> ElevenLabsJson:
    """The models that ElevenLabs lists for its agents, and the prices that are used for them."""
    return prices.elevenlabs(project)


@router.post(
    "",
    status_code=201,
    response_model=StoredPriceJson,
    responses=refusals(PriceRefused, BodyTooLarge, PriceConflict, TooManyPrices),
    openapi_extra=_body(),
)
async def add_price(request: Request, prices: PricesOfApp, project: Admin) -> Response:
    """Add a price of the project's own. It outranks the book for calls from its start on."""
    response = answer_json(await run_in_threadpool(prices.add, project, await beginning(request, MAX_PRICE_BYTES)))
    response.status_code = 201
    return response


@router.delete("/{id}", status_code=204, response_class=Response, responses=refusals(PriceUnknown))
def delete_price(prices: PricesOfApp, project: Admin, price_id: Annotated[str, Path(alias="id")]) -> Response:
    """Delete a price of the project's own. Calls that it was applied to keep their cost."""
    prices.remove(project, price_id)
    return Response(status_code=204)
