"""What Anthropic's Messages API refuses, with its reported error texts; all are `invalid_request_error`."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from testkit.twins.dialect import Json, Refusal

VERSION = "2023-06-01"
MOST_MARKS = 4

_FIELDS = {
    "model",
    "messages",
    "max_tokens",
    "system",
    "tools",
    "tool_choice",
    "stop_sequences",
    "stream",
    "temperature",
} | {"top_p", "top_k", "metadata", "thinking", "output_config", "service_tier"}
_BLOCK_FIELDS = {
    "text": {"type", "text", "cache_control"},
    "image": {"type", "source", "cache_control"},
    "tool_use": {"type", "id", "name", "input", "cache_control"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
}
_TOOL_FIELDS = {"name", "description", "input_schema", "cache_control"}
_KEYWORDS = {"type", "properties", "required", "items", "enum", "const", "anyOf", "allOf", "$ref", "$defs"} | {
    *("description", "title", "format", "minItems", "additionalProperties")
}
_ID = re.compile("[a-zA-Z0-9_-]+")
_MESSAGE_FIELDS = {"role", "content"}
_NAME = re.compile("[a-zA-Z0-9_-]{1,128}")

type Check = Callable[[Json], Iterator[str]]


def refuse_headers(headers: Mapping[str, str], key: str) -> Refusal | None:
    """The refusal of the headers, None if they are accepted."""
    if headers.get("x-api-key") != key:
        return Refusal(401, "invalid x-api-key", type="authentication_error")
    if "anthropic-version" not in headers:
        return Refusal(400, "anthropic-version: header is required")
    if headers["anthropic-version"] != VERSION:
        return Refusal(400, f'anthropic-version: "{headers["anthropic-version"]}" is not a valid version')
    return None


def refuse(body: Json) -> Refusal | None:
    """The refusal of the body, None if it is accepted."""
    return next((Refusal(400, message) for check in _CHECKS for message in check(body)), None)


def _fields(body: Json) -> Iterator[str]:
    yield from (f"{name}: Field required" for name in ("model", "max_tokens", "messages") if name not in body)
    yield from (f"{name}: Extra inputs are not permitted" for name in body if name not in _FIELDS)
    if not (isinstance(body["max_tokens"], int) and body["max_tokens"] >= 1):
        yield "max_tokens: Input should be greater than or equal to 1"
    elif body["max_tokens"] > (most := _most_tokens(body["model"])):
        yield f"max_tokens: {body['max_tokens']} > {most}, which is the maximum allowed number of output tokens"
    if not body["messages"]:
        yield "messages: at least one message is required"


def _roles(body: Json) -> Iterator[str]:
    previous = None
    for number, message in enumerate(body["messages"]):
        role = message.get("role")
        if role == "system":
            yield (
                'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not '
                '"system" as an input message role.'
            )
        if role not in {"user", "assistant"}:
            yield f"messages.{number}.role: Input should be 'user' or 'assistant'"
        if role == previous:
            yield (
                'messages: roles must alternate between "user" and "assistant", but found multiple '
                f'"{role}" roles in a row'
            )
        yield from (
            f"messages.{number}.{name}: Extra inputs are not permitted" for name in message.keys() - _MESSAGE_FIELDS
        )
        previous = role
    if body["messages"][0]["role"] != "user":
        yield 'messages: first message must use the "user" role'
    if previous == "assistant" and _version(body["model"]) >= (4, 6):
        yield "This model does not support assistant message prefill. The conversation must end with a user message."


def _contents(body: Json) -> Iterator[str]:
    for place, block in _all_blocks(body):
        kind = block.get("type")
        if kind not in _BLOCK_FIELDS:
            yield f"{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
            continue
        extra = block.keys() - _BLOCK_FIELDS[kind]
        yield from (f"{place}.{kind}.{name}: Extra inputs are not permitted" for name in sorted(extra))
        if kind == "text" and not block["text"] and "cache_control" in block:
            yield f"{place}.text: cache_control cannot be set for empty text blocks"
        if kind == "text" and not block["text"]:
            yield f"{place.partition('.')[0]}: text content blocks must be non-empty"
        if kind == "text" and not block["text"].strip():
            yield f"{place.partition('.')[0]}: text content blocks must contain non-whitespace text"
    for number, message in enumerate(body["messages"]):
        if not message["content"]:
            yield f"messages.{number}: all messages must have non-empty content except for the optional final assistant"


def _marks(body: Json) -> Iterator[str]:
    marked = [block for _, block in _all_blocks(body) if "cache_control" in block]
    marked += [tool for tool in body.get("tools", ()) if "cache_control" in tool]
    if len(marked) > MOST_MARKS:
        yield f"A maximum of {MOST_MARKS} blocks with cache_control may be provided. Found {len(marked)}."


def _tool_round_trips(body: Json) -> Iterator[str]:
    called: list[str] = []
    seen: set[str] = set()
    for number, message in enumerate(body["messages"]):
        results = [block["tool_use_id"] for block in _blocks(message) if block["type"] == "tool_result"]
        leading = next((i for i, block in enumerate(_blocks(message)) if block["type"] != "tool_result"), len(results))
        missing = [call_id for call_id in called if call_id not in results[:leading]]
        if missing:
            yield (
                f"messages.{number - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )
        for place, call_id in enumerate(results):
            if call_id not in called:
                yield (
                    f"messages.{number}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{call_id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous "
                    "message."
                )
        called = [block["id"] for block in _blocks(message) if block["type"] == "tool_use"]
        for place, call_id in enumerate(called):
            if not _ID.fullmatch(call_id):
                yield f"messages.{number}.content.{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
            if call_id in seen:
                yield f"messages.{number}.content.{place}: `tool_use` ids must be unique"
            seen.add(call_id)


def _tools(body: Json) -> Iterator[str]:
    tools = body.get("tools", [])
    for number, tool in enumerate(tools):
        is_strict = tool.get("strict") is True and _version(body["model"]) >= (4, 5)
        extra = tool.keys() - _TOOL_FIELDS - ({"strict"} if is_strict else set())
        if is_strict and (keyword := _unsupported(tool["input_schema"])):
            yield f"tools.{number}.custom: property '{keyword}' is not supported"
        yield from (f"tools.{number}.custom.{name}: Extra inputs are not permitted" for name in sorted(extra))
        if not _NAME.fullmatch(tool.get("name", "")):
            yield f"tools.{number}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
        if tool.get("input_schema", {}).get("type") != "object":
            yield f"tools.{number}.custom.input_schema.type: Input should be 'object'"
        if tool["input_schema"].keys() & {"oneOf", "anyOf", "allOf"}:
            yield f"tools.{number}.custom.input_schema: does not support oneOf, allOf, or anyOf at the top level"
    if len({tool["name"] for tool in tools}) < len(tools):
        yield "tools: Tool names must be unique."
    choice = body.get("tool_choice")
    if choice is not None and not tools:
        yield "tool_choice: may only be specified while providing tools"
    if choice is not None and choice["type"] == "tool" and choice["name"] not in {tool["name"] for tool in tools}:
        yield f"tool_choice: Tool '{choice['name']}' not found in provided tools"


def _settings(body: Json) -> Iterator[str]:
    given = [name for name in ("temperature", "top_p") if name in body]
    version = _version(body["model"])
    for name in given:
        if version >= (4, 7):
            yield f"`{name}` is deprecated for this model."
        if not 0 <= body[name] <= 1:
            yield f"{name}: range: 0..1"
    if len(given) > 1 and version >= (4, 1):
        yield "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    if any(not stop.strip() for stop in body.get("stop_sequences", ())):
        yield "stop_sequences: each stop sequence must contain non-whitespace"
    if "@" in body.get("metadata", {}).get("user_id", ""):
        yield "metadata.user_id: user_id appears to contain an email address"


def _formats(body: Json) -> Iterator[str]:
    form = body.get("output_config", {}).get("format")
    if form is None:
        return
    if _version(body["model"]) < (4, 5):
        yield "output_config.format: Extra inputs are not permitted"
    elif keyword := _unsupported(form["schema"]):
        yield f"output_config.format.schema: property '{keyword}' is not supported"


def _unsupported(schema: Any) -> str | None:
    """The first keyword that structured outputs do not know; an object must be closed."""
    if not isinstance(schema, dict):
        return "a schema that is no object"
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return "additionalProperties"
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
    inner += [*schema.get("allOf", ()), *([schema["items"]] if "items" in schema else [])]
    unknown = sorted(schema.keys() - _KEYWORDS)
    return unknown[0] if unknown else next(filter(None, map(_unsupported, inner)), None)


_CHECKS: tuple[Check, ...] = (_fields, _roles, _contents, _marks, _tool_round_trips, _tools, _settings, _formats)


def _most_tokens(model: str) -> int:
    """The model's documented output limit."""
    version = _version(model)
    if version < (3, 7):
        return 8_192 if version >= (3, 5) else 4_096
    if version >= (4, 6):
        return 128_000
    return 32_000 if "opus" in model and version < (4, 5) else 64_000


def _version(model: str) -> tuple[int, ...]:
    """(4, 5) for claude-haiku-4-5, (3, 5) for claude-3-5-haiku-20241022."""
    numbers = [int(part) for part in model.split("-") if part.isdigit() and len(part) < 3]
    return tuple([*numbers, 0, 0][:2])


def _blocks(message: Json) -> list[Json]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _all_blocks(body: Json) -> Iterator[tuple[str, Json]]:
    """Every block with its place, those within tool results too."""
    system = body.get("system", [])
    for number, block in enumerate([{"type": "text", "text": system}] if isinstance(system, str) else system):
        yield f"system.{number}", block
    for number, message in enumerate(body["messages"]):
        for place, block in enumerate(_blocks(message)):
            yield f"messages.{number}.content.{place}", block
            inner = block.get("content", [])
            for deep, part in enumerate(inner if isinstance(inner, list) else []):
                yield f"messages.{number}.content.{place}.content.{deep}", part
