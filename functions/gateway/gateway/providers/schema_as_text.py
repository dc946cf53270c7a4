"""Structured output where a provider knows JSON, but no schemas."""

from gateway.domain.codec import Draft
from gateway.domain.json_text import object_field, write_json

_INSTRUCTION = "Answer with one JSON object, and nothing else. It must match this JSON schema:\n"


def send_schema_as_text(body: Draft) -> None:
    """Sends `response_format: json_schema` as `json_object`, and the schema as a last system message."""
    asked = object_field(body.fields, "response_format")
    if asked.get("type") != "json_schema":
        return
    schema = object_field(object_field(asked, "json_schema"), "schema")
    body.fields["response_format"] = {"type": "json_object"}
    text = _INSTRUCTION + write_json(schema).decode()
    body.messages.append({"role": "system", "content": text})
    body.note("sent response_format json_schema as json_object, and the schema as a system message")
