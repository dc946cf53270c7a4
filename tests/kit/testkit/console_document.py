"""Compares the console's answers with its own OpenAPI document: by schema, and field by field."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

type Field = tuple[str, str]
"""A component of the document, and one of its properties."""

_ERROR = {"$ref": "#/components/schemas/ErrorJson"}
_METHODS = ("get", "put", "post", "delete")


class Document:
    """The document of an application. `seen`: the fields that the answers had so far."""

    def __init__(self, app: FastAPI) -> None:
        self.paths: Mapping[str, Any] = app.openapi()["paths"]
        self._components = {name: _strict(schema) for name, schema in app.openapi()["components"]["schemas"].items()}
        self.seen: set[Field] = set()

    def check(self, answer: Any) -> None:
        """Fails unless the answer is declared: its status, its content type and every one of its fields."""
        operation = self._operation(answer.request)
        if operation is None:
            declared = {"content": {"application/json": {"schema": _ERROR}}} if answer.is_error else None
        else:
            declared = operation["responses"].get(str(answer.status_code), operation["responses"]["default"])
        if declared is None:
            return  # the web page, and the document itself
        if "content" not in declared:
            assert answer.content == b""
            return
        schema = declared["content"][answer.headers["content-type"]].get("schema")
        if schema is not None:
            self._check(schema, answer.json())

    def declared(self) -> set[Field]:
        """Every field that any answer is said to have."""
        found: set[Field] = set()
        for operation in self.operations().values():
            for response in operation["responses"].values():
                for content in response.get("content", {}).values():
                    found |= set(self._declared(content.get("schema", {}), frozenset()))
        return found

    def operations(self) -> dict[tuple[str, str], Any]:
        """What the document says of each method and path."""
        return {
            (method, path): item[method] for path, item in self.paths.items() for method in _METHODS if method in item
        }

    def template_of(self, path: str) -> str | None:
        """The path of the document that a request's path is one of, or None."""
        known = [template for template in self.paths if re.fullmatch(_pattern(template), unquote(path), re.DOTALL)]
        return max(known, key=len, default=None)

    def _operation(self, request: Any) -> Any:
        template = self.template_of(request.url.path)
        return None if template is None else self.paths[template].get(request.method.lower())

    def _check(self, schema: Any, value: object) -> None:
        whole = {**schema, "components": {"schemas": self._components}}
        problems = [
            f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(whole).iter_errors(value)
        ]
        assert not problems, problems
        self.seen.update(self._fields(schema, value))

    def _fields(self, schema: Any, value: object) -> Iterator[Field]:
        if "$ref" in schema:
            name = _name(schema)
            if isinstance(value, Mapping):
                yield from ((name, field) for field in value)
            yield from self._fields(self._components[name], value)
        for option in schema.get("anyOf", ()):
            whole = {**option, "components": {"schemas": self._components}}
            if Draft202012Validator(whole).is_valid(value):
                yield from self._fields(option, value)
        if isinstance(value, Mapping):
            for name, inner in value.items():
                yield from self._fields(schema.get("properties", {}).get(name, {}), inner)
        elif isinstance(value, list):
            for inner in value:
                yield from self._fields(schema.get("items", {}), inner)

    def _declared(self, schema: Any, within: frozenset[str]) -> Iterator[Field]:
        if "$ref" in schema and (name := _name(schema)) not in within:
            inner = self._components[name]
            yield from ((name, field) for field in inner.get("properties", ()))
            yield from self._declared(inner, within | {name})
        options = [*schema.get("anyOf", ()), *schema.get("properties", {}).values(), schema.get("items")]
        for option in options:
            if option:
                yield from self._declared(option, within)


class CheckedClient(TestClient):
    """A client of the console that compares each answer with the document."""

    def __init__(self, app: FastAPI, **settings: Any) -> None:
        super().__init__(app, **settings)
        self.document = Document(app)

    def request(self, *args: Any, **kwargs: Any) -> Any:
        """The answer of the console, once it was compared."""
        answer = super().request(*args, **kwargs)
        self.document.check(answer)
        return answer


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, which allows no field but its own."""
    strict = deepcopy(schema)
    if "properties" in strict:
        strict.setdefault("additionalProperties", False)
    return strict


def _name(schema: Any) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[-1]


def _pattern(template: str) -> str:
    # A task's name may have slashes, and so may a conversation's id; a trace's id has none.
    return re.sub(r"\\{(\w+)\\}", lambda part: "[^/]+" if part[1] == "trace_id" else ".*", re.escape(template))
