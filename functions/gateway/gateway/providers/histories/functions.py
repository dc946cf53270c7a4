"""Sends the older function calls as tool calls: definitions, choice, calls and results, all together."""

from gateway.domain.codec import Draft
from gateway.domain.json_text import object_field
from switchboard.stream.deltas import Json

_NOTE = "sent functions as tools"


def send_functions_as_tools(body: Draft) -> None:
    """Send `functions`, `function_call` and messages of role `function` as tools."""
    _send_definitions(body)
    open_calls: dict[object, str] = {}
    for position, message in enumerate(body.messages):
        role = message.get("role")
        if role == "assistant" and "function_call" in message:
            body.messages[position] = _calling(message, f"call_fn_{position}", open_calls)
            body.note(_NOTE)
        elif role == "function":
            body.messages[position] = _result(message, open_calls)
            body.note(_NOTE)


def _send_definitions(body: Draft) -> None:
    functions = body.fields.pop("functions", None)
    choice = body.fields.pop("function_call", None)
    if functions is None and choice is None:
        return
    body.note(_NOTE)
    if isinstance(functions, list):
        tools = body.fields.get("tools")
        defined = [{"type": "function", "function": function} for function in functions]
        body.fields["tools"] = [*(tools if isinstance(tools, list) else ()), *defined]
    if choice is not None and "tools" in body.fields and "tool_choice" not in body.fields:
        body.fields["tool_choice"] = {"type": "function", "function": choice} if isinstance(choice, dict) else choice


def _calling(message: Json, call_id: str, open_calls: dict[object, str]) -> Json:
    function = message["function_call"]
    kept = {name: value for name, value in message.items() if name != "function_call"}
    if not isinstance(function, dict) or message.get("tool_calls"):
        return kept
    open_calls[_name(message, "function_call")] = call_id
    return kept | {"tool_calls": [{"id": call_id, "type": "function", "function": function}]}


def _result(message: Json, open_calls: dict[object, str]) -> Json:
    call_id = open_calls.pop(str(message.get("name")), message.get("tool_call_id"))
    kept = {name: value for name, value in message.items() if name not in {"name", "tool_call_id"}}
    return kept | {"role": "tool"} | ({"tool_call_id": call_id} if call_id is not None else {})


def _name(message: Json, field: str) -> str:
    return str(object_field(message, field).get("name"))
