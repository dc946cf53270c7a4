"""The API's own document, in OpenAPI 3.1: it is made from the routes, so it has what they have."""

from fastapi import FastAPI
from fastapi.responses import Response

from console.answers import answer_json
from console.refusals import DOCUMENT

TITLE = "Switchboard"
DESCRIPTION = (
    "Traces, costs and policies of a project's calls. Money is US dollars as exact decimal text, never a float; times "
    "are ISO 8601 in UTC. Unknown, repeated and empty query parameters are refused."
)


def add_document(app: FastAPI) -> None:
    """Add the route of the document. It needs no key: it has nothing of any project."""
    app.title, app.description = TITLE, DESCRIPTION

    def document() -> Response:
        return answer_json(app.openapi())

    app.add_api_route(DOCUMENT, document, methods=["GET"], include_in_schema=False)
