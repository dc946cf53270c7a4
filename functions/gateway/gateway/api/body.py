"""Parses a request body into a `Chat`; an error names the field."""

import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.domain.call import Chat
from gateway.domain.errors import BodyMalformed
from gateway.domain.json_text import NestedTooDeeply, read_json
from switchboard.domain.limits import MAX_LEVELS, MAX_MODEL_CHARACTERS


class _ChatBody(BaseModel):
    """The fields of a chat completion request that the gateway validates; all others are accepted."""

    model_config = ConfigDict(extra="allow", strict=True)

    model: Annotated[str, Field(min_length=1, max_length=MAX_MODEL_CHARACTERS)]
    messages: list[dict[str, Any]]
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None


def read_chat(body: bytes) -> Chat:
    """The parsed body. Raises BodyMalformed, which names the field."""
    try:
        parsed = _parsed(body)
    except ValidationError as invalid:
        raise _malformed(invalid) from None
    _check_roles(parsed.messages)
    _check_numbers(parsed.model_extra or {})
    return Chat(
        model=parsed.model,
        messages=tuple(parsed.messages),
        streamed=bool(parsed.stream),
        wants_usage=bool((parsed.stream_options or {}).get("include_usage")),
        others=(parsed.model_extra or {}) | _given("stream_options", parsed.stream_options),
    )


def _parsed(body: bytes) -> _ChatBody:
    try:
        return _ChatBody.model_validate_json(body)
    except ValidationError as invalid:
        if invalid.errors(include_url=False, include_context=False, include_input=False)[0]["type"] != "json_invalid":
            raise
        refused = invalid
    try:  # the fast parser refuses half of a surrogate pair, which a provider's chunk may have left in the history
        value = read_json(body)
    except NestedTooDeeply:
        raise BodyMalformed(f"The body is nested deeper than {MAX_LEVELS} levels.") from None
    except ValueError:
        raise refused from None
    return _ChatBody.model_validate(value)


def _check_roles(messages: Iterable[Mapping[str, object]]) -> None:
    for number, message in enumerate(messages):
        if not isinstance(message.get("role", ""), str):
            name = f"messages.{number}.role"
            raise BodyMalformed(f"`{name}` is wrong: it must be a string.", param=name)


def _check_numbers(fields: Mapping[str, object]) -> None:
    for name, value in fields.items():
        if isinstance(value, float) and not isfinite(value):
            raise BodyMalformed(f"`{name}` is wrong: it must be a finite number.", param=name)


def _given(name: str, value: object) -> dict[str, object]:
    return {} if value is None else {name: value}


def _malformed(invalid: ValidationError) -> BodyMalformed:
    first = invalid.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return BodyMalformed(f"The body is not JSON: {first['msg'].removeprefix('Invalid JSON: ')}.")
    if not first["loc"]:
        return BodyMalformed("The body must be a JSON object.")
    name = _dotted(first["loc"])
    sentence = "is missing" if first["type"] == "missing" else f"is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}"
    return BodyMalformed(f"`{name}` {sentence}.", param=name)


def _dotted(location: tuple[int | str, ...]) -> str:
    return json.dumps(".".join(str(part) for part in location))[1:-1]
