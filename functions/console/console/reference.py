"""A page for reading the API's own document: HTML without scripts, made from the document."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response

from console.page import Page, source_of
from console.refusals import DOCUMENT, REFERENCE

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code { font: 0.9em ui-monospace, monospace; }
h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: 0.3rem 0.6rem 0.3rem 0;
  text-align: left; vertical-align: top; }
"""

type Json = Mapping[str, Any]


def add_reference(app: FastAPI) -> None:
    """Add the route of the page. It needs no key, as the document does not."""

    def reference() -> Response:
        page = reference_page(app.openapi())
        return Response(page.content, headers=page.headers())

    app.add_api_route(REFERENCE, reference, methods=["GET"], include_in_schema=False)


def reference_page(document: Json) -> Page:
    """The page of an OpenAPI document."""
    operations = [
        _operation(method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    shapes = [_shape(name, schema) for name, schema in document["components"]["schemas"].items()]
    title = f"The API of {escape(document['info']['title'])}"
    content = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f'<h1>{title}</h1><p>{_prose(document["info"]["description"])} As OpenAPI: <a href="openapi.json">'
        f"<code>{DOCUMENT}</code></a>.</p>{''.join(operations)}<h1>Shapes</h1>{''.join(shapes)}</html>"
    )
    policy = f"default-src 'none'; style-src {source_of(_STYLE)}; base-uri 'none'; form-action 'none'"
    return Page(content.encode(), f"{policy}; frame-ancestors 'none'")


def _operation(method: str, path: str, operation: Json) -> str:
    parameters = [
        (each["name"], _type(each["schema"]), each.get("description", "")) for each in operation.get("parameters", ())
    ]
    body = _content(operation.get("requestBody", {}))
    answers = [(status, _content(answer), answer["description"]) for status, answer in operation["responses"].items()]
    return (
        f'<section><h2 id="{escape(operation["operationId"])}"><code>{method.upper()} {escape(path)}</code></h2>'
        f"<p>{_prose(operation.get('description', ''))}{f' Body: {body}.' if body else ''}</p>"
        f"{_table('parameter', parameters)}{_table('status', answers)}</section>"
    )


def _shape(name: str, schema: Json) -> str:
    fields = [(field, _type(of), of.get("description", "")) for field, of in schema.get("properties", {}).items()]
    values = "" if fields else f"<p>{_type(schema)}</p>"
    return (
        f'<section><h2 id="{escape(name)}"><code>{escape(name)}</code></h2>'
        f"<p>{_prose(schema.get('description', ''))}</p>{values}{_table('field', fields)}</section>"
    )


def _table(first: str, rows: Iterable[tuple[str, str, str]]) -> str:
    lines = [
        f"<tr><td><code>{escape(name)}</code></td><td>{kind}</td><td>{_prose(text)}</td></tr>"
        for name, kind, text in rows
    ]
    return f"<table><tr><th>{first}</th><th>type</th><th>meaning</th></tr>{''.join(lines)}</table>" if lines else ""


def _content(message: Json) -> str:
    contents: Mapping[str, Json] = message.get("content", {})
    kinds = (_type(content["schema"]) if "schema" in content else escape(name) for name, content in contents.items())
    return " or ".join(kinds)


def _type(schema: Json) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}"><code>{name}</code></a>'
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(schema.get("format", schema.get("type", "any JSON")))


def _prose(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
