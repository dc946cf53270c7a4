"""Tools and tool choices in the form of other APIs."""

import json
from typing import Any

import pytest

from gateway.api.body import read_chat
from gateway.domain.clock import Clock
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory

ROWS = [row.dialect for row in table.PROVIDERS if row.dialect not in ("anthropic", "demo")]
SCHEMA = {"type": "object", "properties": {"day": {"type": "string"}}}
FUNCTION = {"name": "look_up", "description": "Looks it up.", "parameters": SCHEMA}
NESTED = {"type": "function", "function": FUNCTION}
FORMS: dict[str, dict[str, Any]] = {
    "Responses": {"type": "function", **FUNCTION},
    "Realtime, without a type": FUNCTION,
    "Anthropic": {"name": "look_up", "description": "Looks it up.", "input_schema": SCHEMA},
    "Anthropic, with its type": {
        "type": "custom",
        "name": "look_up",
        "description": "Looks it up.",
        "input_schema": SCHEMA,
    },
}


def sent(key: str, **fields: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": "Is Monday free?"}], **fields}
    encoded, notes = table.by_dialect(key).encode(read_chat(json.dumps(body).encode()), "m", SignatureMemory(Clock()))
    found: dict[str, Any] = json.loads(encoded)
    assert notes or found == body, "a change without a note"
    return found


@pytest.mark.parametrize("key", ROWS)
@pytest.mark.parametrize("form", FORMS)
def test_a_tool_of_another_apis_form_is_sent_as_a_function(key: str, form: str) -> None:
    (tool,) = sent(key, tools=[FORMS[form]])["tools"]
    assert {name: tool["function"][name] for name in FUNCTION} == FUNCTION
    assert tool["type"] == "function"


@pytest.mark.parametrize("form", FORMS)
def test_native_claude_gets_the_tool_too(form: str) -> None:
    (tool,) = sent("anthropic", tools=[FORMS[form]])["tools"]
    assert (tool["name"], tool["description"], tool["input_schema"]) == ("look_up", "Looks it up.", SCHEMA)


@pytest.mark.parametrize("key", ROWS)
@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        ({"type": "function", "name": "look_up"}, {"type": "function", "function": {"name": "look_up"}}),
        ({"type": "tool", "name": "look_up"}, {"type": "function", "function": {"name": "look_up"}}),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
        ("any", "required"),
    ],
)
def test_a_choice_of_another_apis_form_is_sent_as_meant(key: str, choice: Any, meant: Any) -> None:
    own = sent(key, tools=[NESTED], tool_choice=meant).get("tool_choice")
    assert sent(key, tools=[NESTED], tool_choice=choice).get("tool_choice") == own


def test_native_claude_gets_the_choice_too() -> None:
    assert sent("anthropic", tools=[NESTED], tool_choice="any")["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize("key", ROWS)
def test_what_is_no_tool_and_what_comes_twice_is_left_out(key: str) -> None:
    other = {"type": "function", "function": FUNCTION | {"description": "Another."}}
    assert len(sent(key, tools=[None, NESTED, "x", NESTED])["tools"]) == 1
    assert len(sent(key, tools=[NESTED, other])["tools"]) == len([NESTED, other])


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "web_search_preview"},
        {"type": "custom", "custom": {"name": "c"}},
        {"type": "custom", "name": "c"},
        NESTED,
    ],
)
def test_tools_of_other_kinds_stay(tool: dict[str, Any]) -> None:
    assert sent("generic", tools=[tool], tool_choice="required")["tools"] == [tool]


@pytest.mark.parametrize(
    "choice", ["auto", {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}, 7]
)
def test_choices_of_other_kinds_stay(choice: Any) -> None:
    assert sent("generic", tools=[NESTED], tool_choice=choice)["tool_choice"] == choice


@pytest.mark.parametrize("key", ROWS)
def test_nothing_of_tools_is_sent_where_none_is_left(key: str) -> None:
    found = sent(key, tools=[None], tool_choice="auto", parallel_tool_calls=True)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & found.keys()
