"""Parses a request body into a `Chat`; an error names the field."""

import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from gateway.api.large_body import read_fields, too_many_messages
from gateway.domain.call import Chat
from gateway.domain.errors import BodyMalformed
from gateway.domain.json_text import NestedTooDeeply, read_json
from gateway.domain.large import is_large
from switchboard.domain.limits import MAX_LEVELS, MAX_MESSAGES, MAX_MODEL_CHARACTERS, clipped

_IN_WORDS_OF_JSON = {"dict_type": "Input should be an object", "list_type": "Input should be a valid array"}


class _ChatBody(BaseModel):
    """The fields of a chat completion request that the gateway validates; all others are accepted."""

    model_config = ConfigDict(extra="allow", strict=True)

    model: Annotated[str, Field(min_length=1, max_length=MAX_MODEL_CHARACTERS)]
    messages: Annotated[list[dict[str, Any]], FailFast()]
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None


async def parse_chat(body: bytes, max_messages: int = MAX_MESSAGES) -> Chat:
    """The parsed body; a large one is read in slices. Raises BodyMalformed, which names the field."""
    if not is_large(body):
        return read_chat(body, max_messages)
    try:
        fields = await read_fields(body, max_messages)
    except NestedTooDeeply:
        raise _too_deep() from None
    except ValueError as not_json:
        raise BodyMalformed(f"The body is not JSON: {not_json}.") from None
    return _chat_of(fields, max_messages)


def read_chat(body: bytes, max_messages: int = MAX_MESSAGES) -> Chat:
    """The parsed body. Raises BodyMalformed, which names the field."""
    try:
        parsed = _parsed(body)
    except ValidationError as invalid:
        raise _malformed(invalid) from None
    if len(parsed.messages) > max_messages:
        raise too_many_messages(max_messages)
    return _chat(parsed, parsed.messages, parsed.model_extra or {})


def _chat_of(fields: dict[str, Any], max_messages: int) -> Chat:
    """The chat of a large body: only what is validated is copied."""
    known = {name: fields.pop(name) for name in _ChatBody.model_fields if name in fields}
    messages = known.get("messages")
    sound = messages if isinstance(messages, list) and all(type(message) is dict for message in messages) else None
    try:
        parsed = _ChatBody.model_validate(known if sound is None else known | {"messages": []})
    except ValidationError as invalid:
        raise _malformed(invalid) from None
    if sound is not None and len(sound) > max_messages:
        raise too_many_messages(max_messages)
    return _chat(parsed, sound or [], fields)


def _chat(parsed: _ChatBody, messages: list[dict[str, Any]], others: dict[str, Any]) -> Chat:
    _check_roles(messages)
    _check_numbers(others)
    return Chat(
        model=parsed.model,
        messages=tuple(messages),
        streamed=bool(parsed.stream),
        wants_usage=bool((parsed.stream_options or {}).get("include_usage")),
        others=others | _given("stream_options", parsed.stream_options),
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
        raise _too_deep() from None
    except ValueError:
        raise refused from None
    return _ChatBody.model_validate(value)


def _too_deep() -> BodyMalformed:
    return BodyMalformed(f"The body is nested deeper than {MAX_LEVELS} levels.")


def _check_roles(messages: Iterable[Mapping[str, object]]) -> None:
    for number, message in enumerate(messages):
        if not isinstance(message.get("role", ""), str):
            name = f"messages.{number}.role"
            raise BodyMalformed(f"`{name}` is wrong: it must be a string.", param=name)


def _check_numbers(fields: Mapping[str, object]) -> None:
    for name, value in fields.items():
        if isinstance(value, float) and not isfinite(value):
            shown = clipped(name)
            raise BodyMalformed(f"`{shown}` is wrong: it must be a finite number.", param=shown)


def _given(name: str, value: object) -> dict[str, object]:
    return {} if value is None else {name: value}


def _malformed(invalid: ValidationError) -> BodyMalformed:
    first = invalid.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return BodyMalformed(f"The body is not JSON: {first['msg'].removeprefix('Invalid JSON: ')}.")
    if not first["loc"]:
        return BodyMalformed("The body must be a JSON object.")
    name = _dotted(first["loc"])
    message = _IN_WORDS_OF_JSON.get(first["type"], first["msg"])
    sentence = "is missing" if first["type"] == "missing" else f"is wrong: {message[:1].lower()}{message[1:]}"
    return BodyMalformed(f"`{name}` {sentence}.", param=name)


def _dotted(location: tuple[int | str, ...]) -> str:
    return json.dumps(".".join(str(part) for part in location))[1:-1]
