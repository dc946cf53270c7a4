"""The application: the routes, the web page, and the API's own document."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from fastapi.responses import Response

from console import (
    conversation_routes,
    cost_routes,
    export_routes,
    facet_routes,
    policy_routes,
    price_routes,
    task_routes,
    trace_routes,
)
from console.no_prices import NO_PRICES
from console.observability import Log
from console.openapi import add_document
from console.page import Page
from console.prices import Prices
from console.queries import NOTHING, Queries
from console.reads import Reads
from console.reference import add_reference
from console.refusals import add_refusals

ROUTERS = (
    trace_routes.router,
    conversation_routes.router,
    cost_routes.router,
    facet_routes.router,
    export_routes.router,
    task_routes.router,
    policy_routes.router,
    price_routes.router,
)


def create_app(reads: Reads, page: Page, log: Log, queries: Queries = NOTHING, prices: Prices = NO_PRICES) -> FastAPI:
    """The console's ASGI application."""
    app = FastAPI(openapi_url=None, redirect_slashes=False, generate_unique_id_function=lambda route: route.name)
    app.state.reads, app.state.queries, app.state.prices = reads, queries, prices
    for router in ROUTERS:
        app.include_router(router)
    for path in ("/console", "/console/"):
        app.add_api_route(path, _shown(page), methods=["GET", "HEAD"], include_in_schema=False)
    add_document(app)
    add_reference(app)
    add_refusals(app, log, [*app.routes, *(route for router in ROUTERS for route in router.routes)])
    return app


def _shown(page: Page) -> Callable[[], Awaitable[Response]]:
    async def show() -> Response:
        return Response(page.content, headers=page.headers())

    return show
