"""The answers of clients that know HTTP alone, read as a client that knows OpenAI's API would."""

import json
from collections.abc import Mapping
from typing import Any

type Json = dict[str, Any]


def read_bodies(lines: Mapping[str, Json]) -> dict[str, Json]:
    """Lines with `status` and `body` in the form of the other clients' lines.

    The second call of a conversation with tools, which has `_result` in its name, becomes part of the first one's line.
    """
    read = {name: _read(name, line) if "body" in line else line for name, line in lines.items()}
    for name in [name for name in read if name.endswith("_result")]:
        result, first = read.pop(name), read.get(name.removesuffix("_result"), {})
        first |= {field: result[field] for field in ("text", "failed") if field in result}
    return read


def _read(scenario: str, line: Json) -> Json:
    body = line["body"]
    if not body.startswith("data: "):
        try:
            return line | _whole(json.loads(body))
        except ValueError:
            return line | {"failed": body}
    events = [event.removeprefix("data: ") for event in body.split("\n\n") if event]
    chunks = [json.loads(event) for event in events if event != "[DONE]"]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk.get("choices", ())]
    text = "".join(delta.get("content") or "" for delta in deltas)
    error = next((_told(chunk["error"]) for chunk in chunks if "error" in chunk), {"error": None})
    if error["error"] is None and events[-1] != "[DONE]" and scenario != "cancel":
        return line | {"failed": f"no [DONE] at the end of {body}"}
    return line | {"text": text, "calls": _calls(deltas)} | error


def _whole(answer: Json) -> Json:
    if "error" in answer:
        return {"text": ""} | _told(answer["error"])
    return {"value": json.loads(answer["choices"][0]["message"]["content"])}


def _told(error: Json) -> Json:
    return {"error": error["type"], "code": error["code"], "message": error["message"]}


def _calls(deltas: list[Json]) -> list[Json]:
    calls: dict[int, dict[str, str]] = {}
    for part in (part for delta in deltas for part in delta.get("tool_calls") or ()):
        call = calls.setdefault(part["index"], {"name": "", "arguments": ""})
        for field in call:
            call[field] += part["function"].get(field) or ""
    return [{"name": call["name"], "arguments": json.loads(call["arguments"])} for call in calls.values()]
