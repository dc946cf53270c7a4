"""Events as API Gateway sends them to a function."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

type Headers = Mapping[str, str | Sequence[str]]


def rest_event(
    method: str = "GET",
    path: str = "/",
    *,
    body: str | bytes | None = None,
    headers: Headers | None = None,
    query: Headers | None = None,
) -> dict[str, Any]:
    """Return a REST API's proxy event (version 1); a `bytes` body travels as base64."""
    names, parameters = _listed(headers), _listed(query)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in names.items()},
        "multiValueHeaders": names,
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": f"/v1{path}",
            "protocol": "HTTP/1.1",
            "stage": "v1",
            "requestId": "6f1f9d3e-52a8-4b7a-9d5e-2f0c4c8c8f10",
            "requestTimeEpoch": 1_795_176_000_000,
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "test"},
            "domainName": "abc123.execute-api.eu-central-1.amazonaws.com",
            "apiId": "abc123",
        },
        **_body(body),
    }


def http_event(
    method: str = "GET",
    path: str = "/",
    *,
    body: str | bytes | None = None,
    headers: Headers | None = None,
    query: str = "",
    cookies: Sequence[str] = (),
) -> dict[str, Any]:
    """Return a function URL's or HTTP API's event (version 2); a `bytes` body travels as base64."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "cookies": list(cookies),
        "headers": {name.lower(): ",".join(values) for name, values in _listed(headers).items()},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
            "timeEpoch": 1_795_176_000_000,
        },
        **_body(body),
    }


def _listed(fields: Headers | None) -> dict[str, list[str]]:
    return {name: [value] if isinstance(value, str) else list(value) for name, value in (fields or {}).items()}


def _body(body: str | bytes | None) -> dict[str, Any]:
    if isinstance(body, bytes):
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return {"body": body, "isBase64Encoded": False}
