"""What a recorded answer says, read from its bytes without the gateway."""

import json
from typing import Any

from testkit.recorded import Exchange
from testkit.recorded_messages import read_message, read_message_events
from testkit.recorded_reading import Json, Reading, read_chunks, read_completion

OK = 200


def read_answer(exchange: Exchange) -> Reading:
    """The answer as its provider gave it; one of Anthropic's own API in the words of a chat completion."""
    if exchange.status != OK:
        return Reading(exchange.status, _words(_parsed(exchange.body.decode())))
    if not exchange.streamed:
        return _whole(_parsed(exchange.body.decode()), is_native=exchange.is_native)
    documents = [_parsed(data) for data in event_data(exchange.body)]
    objects = [document for document in documents if isinstance(document, dict)]
    error = next((_words(document) for document in objects if document.get("error")), None)
    chunks = [document for document in objects if not document.get("error")]
    return read_message_events(chunks, error) if exchange.is_native else read_chunks(chunks, error)


def told_usage(exchange: Exchange) -> dict[str, Any] | None:
    """The usage that an answer tells, wherever it stands; None where there is none, or no answer."""
    reading = read_answer(exchange)
    if exchange.status != OK or not reading.choices:
        return None
    extension = reading.around.get("x_groq")
    return reading.usage or (extension.get("usage") if isinstance(extension, dict) else None)


def event_data(body: bytes) -> list[str]:
    """The data of a stream's events, up to the end marker. No recorded event has data on two lines."""
    lines = body.decode().replace("\r\n", "\n").split("\n")
    data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
    return data[: data.index("[DONE]")] if "[DONE]" in data else data


def _whole(document: object, *, is_native: bool) -> Reading:
    if not isinstance(document, dict):
        return Reading(OK)
    if document.get("error"):
        return Reading(OK, _words(document))
    return read_message(document) if is_native else read_completion(document)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _words(body: object) -> str:
    """The sentence of an error body."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return ""
    error: Json | str = body.get("error") or body
    message = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    return message if isinstance(message, str) else ""
