"""Error bodies in each provider's own shape: one message, and a code where there is one."""

import json
from typing import Any

import pytest

from gateway.providers import table

BODIES: list[tuple[str, Any, str, str | None]] = [
    (
        "openai",
        {
            "error": {
                "message": "Unsupported parameter: 'max_tokens' is not supported with this model.",
                "type": "invalid_request_error",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            }
        },
        "Unsupported parameter: 'max_tokens' is not supported with this model.",
        "unsupported_parameter",
    ),
    (
        "anthropic",
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"},
        "Overloaded",
        "overloaded_error",
    ),
    (
        "anthropic-openai",
        {"error": {"code": "invalid_request_error", "message": "messages: at least one message is required"}},
        "messages: at least one message is required",
        "invalid_request_error",
    ),
    (
        "google",
        [
            {
                "error": {
                    "code": 400,
                    "message": 'Invalid JSON payload received. Unknown name "user_id": Cannot find field.',
                    "status": "INVALID_ARGUMENT",
                    "details": [{"@type": "type.googleapis.com/google.rpc.BadRequest"}],
                }
            }
        ],
        'Invalid JSON payload received. Unknown name "user_id": Cannot find field.',
        "400",
    ),
    (
        "groq",
        {"error": {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}},
        "Rate limit reached",
        "rate_limit_exceeded",
    ),
    (
        "together",
        {
            "id": "o-1",
            "error": {
                "message": "Unable to access model gpt-4o",
                "type": "x",
                "param": None,
                "code": "model_not_found",
            },
        },
        "Unable to access model gpt-4o",
        "model_not_found",
    ),
    (
        "cloudflare",
        {
            "success": False,
            "result": {},
            "messages": [],
            "errors": [{"message": "AiError: Bad input: 'array' not in 'string'", "code": 5006}],
        },
        "AiError: Bad input: 'array' not in 'string'",
        "5006",
    ),
    (
        "deepseek",
        {
            "error": {
                "message": "Insufficient Balance",
                "type": "unknown_error",
                "param": None,
                "code": "invalid_request_error",
            }
        },
        "Insufficient Balance",
        "invalid_request_error",
    ),
    (
        "mistral",
        {
            "object": "error",
            "message": {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "messages", 0, "user", "name"],
                        "msg": "Extra inputs are not permitted",
                        "input": "anna",
                    },
                    {"type": "extra_forbidden", "loc": ["body", "user_id"], "msg": "Extra inputs are not permitted"},
                ]
            },
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
        "body.messages.0.user.name: Extra inputs are not permitted; body.user_id: Extra inputs are not permitted",
        "invalid_request_error",
    ),
    (
        "mistral",
        {
            "object": "error",
            "message": "Expected last role User or Tool but got assistant",
            "type": "invalid_request_message_order",
            "param": None,
            "code": "3230",
        },
        "Expected last role User or Tool but got assistant",
        "3230",
    ),
    (
        "mistral",
        {
            "object": "Error",
            "message": [{"loc": ["body", "tools"], "msg": "Extra inputs are not permitted"}],
            "code": 3001,
        },
        "body.tools: Extra inputs are not permitted",
        "3001",
    ),
    ("mistral", {"detail": "Unauthorized"}, "Unauthorized", None),
    (
        "xai",
        {"code": "invalid-argument", "error": "Argument not supported on this model: presencePenalty"},
        "Argument not supported on this model: presencePenalty",
        "invalid-argument",
    ),
    (
        "cerebras",
        {
            "message": "The following fields are not supported: frequency_penalty",
            "type": "invalid_request_error",
            "param": "",
            "code": "wrong_api_format",
        },
        "The following fields are not supported: frequency_penalty",
        "wrong_api_format",
    ),
    (
        "fireworks",
        {"error": {"object": "error", "type": "invalid_request_error", "message": "Extra inputs are not permitted"}},
        "Extra inputs are not permitted",
        "invalid_request_error",
    ),
    ("openrouter", {"error": {"code": 402, "message": "Insufficient credits"}}, "Insufficient credits", "402"),
    (
        "openrouter",
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {"raw": '{"message":"Unexpected role"}', "provider_name": "Mistral"},
            },
            "user_id": "user_1",
        },
        'Provider returned error (Mistral: {"message":"Unexpected role"})',
        "400",
    ),
    (
        "openrouter",
        {"error": {"message": "Flagged", "code": 403, "metadata": {"reasons": ["violence"], "raw": {"a": 1}}}},
        'Flagged ({"a": 1})',
        "403",
    ),
    (
        "azure",
        {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}},
        "The API deployment for this resource does not exist.",
        "DeploymentNotFound",
    ),
    (
        "azure",
        {"statusCode": 401, "message": "Access denied due to invalid subscription key."},
        "Access denied due to invalid subscription key.",
        None,
    ),
    ("bedrock", {"Message": "Authentication failed"}, "Authentication failed", None),
    (
        "bedrock",
        {"__type": "com.amazon.coral.service#ThrottlingException", "message": "Too many requests"},
        "Too many requests",
        "ThrottlingException",
    ),
    (
        "bedrock",
        {"error": {"message": "The model does not exist", "type": "invalid_request_error", "code": "validation_error"}},
        "The model does not exist",
        "validation_error",
    ),
    ("generic", {"error": "model not found"}, "model not found", None),
]


@pytest.mark.parametrize(("key", "body", "message", "code"), BODIES)
def test_an_error_body_is_read_into_one_message(key: str, body: Any, message: str, code: str | None) -> None:
    error = table.by_dialect(key).read_error(json.dumps(body).encode())
    assert (error.message, error.code or error.kind) == (message, code)


NAMES: list[tuple[str, Any, tuple[str | None, str | None, str | None]]] = [
    (
        "openai",
        {
            "error": {
                "message": "This model's maximum context length is 128000 tokens.",
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            }
        },
        ("context_length_exceeded", "invalid_request_error", "messages"),
    ),
    (
        "openai",
        {"error": {"message": "no", "type": "server_error", "param": None, "code": None}},
        (None, "server_error", None),
    ),
    (
        "anthropic",
        {"type": "error", "error": {"type": "not_found_error", "message": "no"}},
        (None, "not_found_error", None),
    ),
    (
        "google",
        [{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}],
        ("400", "INVALID_ARGUMENT", None),
    ),
    (
        "groq",
        {"error": {"message": "no", "type": "tokens", "code": "rate_limit_exceeded"}},
        ("rate_limit_exceeded", "tokens", None),
    ),
    ("cloudflare", {"success": False, "errors": [{"code": 5006, "message": "no"}]}, ("5006", None, None)),
    (
        "mistral",
        {"object": "error", "message": "no", "type": "invalid_request_message_order", "param": None, "code": "3230"},
        ("3230", "invalid_request_message_order", None),
    ),
    (
        "mistral",
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "messages", 0, "name"], "msg": "no"}]},
        (None, "extra_forbidden", "messages.0.name"),
    ),
    ("xai", {"code": "invalid-argument", "error": "no"}, ("invalid-argument", None, None)),
    (
        "cerebras",
        {"message": "no", "type": "invalid_request_error", "param": "n", "code": "wrong_api_format"},
        ("wrong_api_format", "invalid_request_error", "n"),
    ),
    (
        "openrouter",
        {"error": {"code": 400, "message": "no", "metadata": {"raw": "x", "provider_name": "Y"}}},
        ("400", None, None),
    ),
    ("bedrock", {"__type": "a.b#ThrottlingException", "message": "no"}, ("ThrottlingException", None, None)),
    (
        "generic",
        {"detail": [{"type": "missing", "loc": ["body", "messages", 0, "content"], "msg": "Field required"}]},
        (None, "missing", "messages.0.content"),
    ),
    ("generic", {"error": "no"}, (None, None, None)),
    ("generic", {"error": {"message": "no", "code": {"a": 1}, "type": ["x"], "param": True}}, (None, None, None)),
]


@pytest.mark.parametrize(("key", "body", "names"), NAMES)
def test_the_providers_names_for_an_error_are_read(
    key: str, body: Any, names: tuple[str | None, str | None, str | None]
) -> None:
    error = table.by_dialect(key).read_error(json.dumps(body).encode())
    assert (error.code, error.kind, error.param) == names


@pytest.mark.parametrize("row", table.PROVIDERS, ids=lambda row: row.dialect)
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>502 Bad Gateway</html>", b"null", b"[]", b"7", b'"x"', b"{}", b"[" * 100_000, b"\xff"),
        *(b'{"error": null}', b'{"message": {"detail": []}}', b'{"error": {"metadata": 7}}', b'{"Message": 7}'),
        *(b'{"message": [], "detail": {}}', b'{"message": {"detail": [7, {"loc": 7}]}}', b'{"code": {}, "error": []}'),
    ],
    ids=lambda body: body[:12].decode("ascii", "replace"),
)
def test_any_body_gives_a_message(row: Any, body: bytes) -> None:
    error = row.read_error(body)
    assert isinstance(error.message, str)
    assert error.message
    assert error.code is None or isinstance(error.code, str)


def test_every_provider_has_an_error_body_here() -> None:
    assert {row.dialect for row in table.PROVIDERS} - {key for key, *_ in BODIES} == {"demo"}
