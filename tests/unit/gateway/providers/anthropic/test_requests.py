import json
from typing import Any

import pytest

from gateway.domain.call import Chat
from gateway.domain.clock import Clock
from gateway.domain.errors import BodyMalformed
from gateway.providers.anthropic.row import NATIVE, OPENAI_LAYER
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.providers.provider import Provider

MODEL = "claude-sonnet-4-6"
MARK = {"cache_control": {"type": "ephemeral"}}
HELLO = {"role": "user", "content": "Hello?"}
LOOK_UP = {"type": "function", "function": {"name": "look_up", "description": "Looks up.", "parameters": {}}}


def encoded(
    *messages: dict[str, Any], provider: Provider = NATIVE, model: str = MODEL, streamed: bool = True, **fields: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    chat = Chat(model, messages or (HELLO,), streamed, False, fields)
    body, notes = provider.encode(chat, model, SignatureMemory(Clock()))
    return json.loads(body), notes


def text(content: str, **others: Any) -> dict[str, Any]:
    return {"type": "text", "text": content} | others


def call(call_id: str | None, name: str = "look_up", arguments: str = "{}") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def turns(*messages: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The turns without their marks."""
    sent, _ = encoded(*messages)
    return [
        (turn["role"], [{k: v for k, v in block.items() if k != "cache_control"} for block in turn["content"]])
        for turn in sent["messages"]
    ]


def test_a_plain_call_sends_only_the_required_fields() -> None:
    assert encoded() == (
        {
            "model": MODEL,
            "max_tokens": 8192,
            "messages": [{"role": "user", "content": [text("Hello?")]}],
            "stream": True,
        },
        (),
    )


def test_a_call_that_is_not_streamed_has_no_stream_field() -> None:
    assert "stream" not in encoded(streamed=False)[0]


def test_leading_instructions_are_the_system_prompt_and_later_ones_stay_in_place() -> None:
    sent, notes = encoded(
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}, {"type": "text", "text": " "}]},
        HELLO,
        {"role": "assistant", "content": "Hi."},
        {"role": "system", "content": "It is noon."},
        {"role": "user", "content": "So?"},
    )
    assert sent["system"] == [text("Be brief."), text("Be kind.", **MARK)]
    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][2]["content"] == [text("<system>\nIt is noon.\n</system>"), text("So?")]
    assert notes == ("sent a later system message as marked text of a user turn",)


def test_neighbours_of_one_role_are_one_turn() -> None:
    assert turns(HELLO, HELLO, {"role": "assistant", "content": "A"}, {"role": "assistant", "content": "B"}, HELLO) == [
        ("user", [text("Hello?"), text("Hello?")]),
        ("assistant", [text("A"), text("B")]),
        ("user", [text("Hello?")]),
    ]


@pytest.mark.parametrize(
    ("messages", "roles", "note"),
    [
        (
            [{"role": "assistant", "content": "Hi!"}, HELLO],
            ["user", "assistant", "user"],
            "added a user turn before the first assistant turn",
        ),
        (
            [HELLO, {"role": "assistant", "content": "Hi!"}],
            ["user", "assistant", "user"],
            "added a user turn at the end",
        ),
        ([{"role": "system", "content": "Be brief."}], ["user"], "added a user turn at the end"),
        ([HELLO | {"content": None}], ["user"], "sent '...' for an empty user message"),
    ],
)
def test_a_missing_user_turn_is_sent_as_silence(messages: list[dict[str, Any]], roles: list[str], note: str) -> None:
    sent, notes = encoded(*messages)
    assert [turn["role"] for turn in sent["messages"]] == roles
    assert note in notes
    assert [text("...")] in [turn["content"] for turn in sent["messages"]]


def test_an_empty_assistant_message_is_left_out() -> None:
    assert turns(HELLO, {"role": "assistant", "content": ""}, HELLO) == [("user", [text("Hello?"), text("Hello?")])]


def test_images_are_sent_inline_or_by_their_url() -> None:
    def image(url: str) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": url}}

    parts = [image("data:image/png;base64,iVBO"), image("https://a.test/b.jpg"), text("What is it?")]
    (turn,) = turns({"role": "user", "content": parts})
    assert turn[1] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {"type": "image", "source": {"type": "url", "url": "https://a.test/b.jpg"}},
        text("What is it?"),
    ]
    for refused in ("http://a.test/b.jpg", "data:image/tiff;base64,AA", "file:///b.jpg"):
        asked = {"role": "user", "content": [image(refused), text("?")]}
        with pytest.raises(BodyMalformed, match="its provider takes images as base64 data of the types image/gif"):
            encoded(asked)
        sent, notes = encoded(asked, {"role": "assistant", "content": "A cat."}, HELLO)
        assert sent["messages"][0]["content"] == [text("[image left out]"), text("?")]
        assert notes == ("left out a content part of type image_url",)


def test_a_tool_round_trip_is_a_call_and_the_next_turns_results() -> None:
    assert turns(
        HELLO,
        {"role": "assistant", "content": "One moment.", "tool_calls": [call("a", arguments='{"x": 1}'), call("b")]},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "tool", "tool_call_id": "a", "content": [text("1")]},
        {"role": "user", "content": "And?"},
    )[1:] == [
        (
            "assistant",
            [
                text("One moment."),
                {"type": "tool_use", "id": "a", "name": "look_up", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "look_up", "input": {}},
            ],
        ),
        (
            "user",
            [
                {"type": "tool_result", "tool_use_id": "b", "content": [text("2")]},
                {"type": "tool_result", "tool_use_id": "a", "content": [text("1")]},
                text("And?"),
            ],
        ),
    ]


def test_a_result_comes_before_later_user_text() -> None:
    content = turns(
        HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call("a")]},
        {"role": "system", "content": "It is noon."},
        {"role": "tool", "tool_call_id": "a", "content": ""},
    )[-1][1]
    assert content == [{"type": "tool_result", "tool_use_id": "a"}, text("<system>\nIt is noon.\n</system>")]


def test_a_call_without_a_result_gets_one() -> None:
    sent, notes = encoded(HELLO, {"role": "assistant", "content": None, "tool_calls": [call("a", "end_call")]}, HELLO)
    result = {"type": "tool_result", "tool_use_id": "a", "content": [text("The tool gave no result.")]}
    assert sent["messages"][-1]["content"] == [result, text("Hello?")]
    assert "added a missing tool result" in notes


@pytest.mark.parametrize(
    ("call_id", "result_id", "sent_id", "note"),
    [
        (None, None, "call_0", "repaired a tool call's id"),
        ("call.1:x", "call.1:x", "call_1_x", "repaired a tool call's id"),
        ("a", "b", "a", "gave a tool result of an unknown call to the first open one"),
    ],
)
def test_ids_that_are_missing_wrong_or_unknown_are_repaired(
    call_id: str | None, result_id: str | None, sent_id: str, note: str
) -> None:
    called = {"role": "assistant", "content": None, "tool_calls": [call(call_id)]}
    sent, notes = encoded(HELLO, called, {"role": "tool", "tool_call_id": result_id, "content": "1"})
    assert sent["messages"][1]["content"][0]["id"] == sent_id
    assert sent["messages"][2]["content"][0]["tool_use_id"] == sent_id
    assert note in notes


def test_a_result_without_its_call_is_sent_as_text() -> None:
    sent, notes = encoded(HELLO, {"role": "tool", "tool_call_id": "a", "content": "42"})
    assert sent["messages"][0]["content"][-1] == text("<tool_result>\n42\n</tool_result>")
    assert "sent a tool result without its call as text" in notes


def test_arguments_that_are_no_object_are_wrapped() -> None:
    called = {"role": "assistant", "content": None, "tool_calls": [call("a", arguments="[1")]}
    sent, notes = encoded(HELLO, called, {"role": "tool", "tool_call_id": "a", "content": "1"})
    assert sent["messages"][1]["content"][0]["input"] == {"arguments": "[1"}
    assert "wrapped a tool call's arguments that are no JSON object" in notes


def test_tools_are_translated() -> None:
    parameters = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
    end = {"type": "function", "function": {"name": "end_call", "parameters": parameters, "strict": True}}
    sent, notes = encoded(tools=[LOOK_UP, end, end, {"type": "custom"}])
    assert sent["tools"] == [
        {"name": "look_up", "description": "Looks up.", "input_schema": {"type": "object"}},
        {"name": "end_call", "strict": True, "input_schema": parameters | {"additionalProperties": False}, **MARK},
    ]
    assert notes == (
        "left out a second tool of the same name",
        "left out a tool that is no function",
    )


def test_an_older_claude_gets_no_strict_tools() -> None:
    tool = {"type": "function", "function": {"name": "end_call", "strict": True}}
    sent, notes = encoded(model="claude-sonnet-4-0", tools=[tool])
    assert "strict" not in sent["tools"][0]
    assert notes == ("left out tools[].function.strict",)


def test_tools_of_the_history_are_defined_and_may_not_be_called() -> None:
    called = {"role": "assistant", "content": None, "tool_calls": [call("a")]}
    sent, _ = encoded(HELLO, called, {"role": "tool", "tool_call_id": "a", "content": "1"})
    assert sent["tools"] == [{"name": "look_up", "input_schema": {"type": "object"}, **MARK}]
    assert sent["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, None),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "look_up"}}},
            {"type": "tool", "name": "look_up"},
        ),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"parallel_tool_calls": True}, None),
    ],
)
def test_the_choice_of_tools_is_translated(fields: dict[str, Any], choice: dict[str, Any] | None) -> None:
    sent, notes = encoded(tools=[LOOK_UP], **fields)
    assert sent.get("tool_choice") == choice
    assert notes == ()


def test_a_forced_choice_that_the_model_refuses_becomes_auto() -> None:
    sent, notes = encoded(model="claude-sonnet-5-5", tools=[LOOK_UP], tool_choice="required")
    assert "tool_choice" not in sent
    assert notes == ("left the choice of a tool to the model: it cannot be forced",)


def test_a_choice_without_tools_is_not_sent() -> None:
    assert "tool_choice" not in encoded(tool_choice="auto", parallel_tool_calls=False)[0]


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-0-haiku", 4096),
        ("claude-3-5-sonnet-20241022", 4096),
        ("claude-sonnet-4-20250514", 8192),
        ("claude-haiku-4-5", 8192),
        ("claude-opus-4-8", 8192),
        ("claude-sonnet-5", 16384),
        ("claude-of-tomorrow", 16384),
        ("house-blend", 4096),
    ],
)
def test_a_limit_is_always_sent(model: str, limit: int) -> None:
    assert encoded(model=model)[0]["max_tokens"] == limit
    assert encoded(model=model, max_tokens=-1)[0]["max_tokens"] == limit
    assert encoded(model=model, max_tokens=70)[0]["max_tokens"] == 70
    assert encoded(model=model, max_tokens=70, max_completion_tokens=80)[0]["max_tokens"] == 80


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        ("claude-3-5-haiku-latest", {"temperature": 1.7, "top_p": 0.5}, {"temperature": 1, "top_p": 0.5}),
        ("claude-sonnet-4-5", {"temperature": 0.3, "top_p": 0.5}, {"temperature": 0.3}),
        ("claude-sonnet-4-5", {"top_p": 0.5}, {"top_p": 0.5}),
        ("claude-opus-4-7", {"temperature": 0.3, "top_p": 0.5}, {}),
        ("claude-sonnet-5", {"temperature": 0.3}, {}),
        ("claude-sonnet-4-6", {"temperature": None}, {}),
    ],
)
@pytest.mark.parametrize("provider", [NATIVE, OPENAI_LAYER], ids=lambda provider: provider.dialect)
def test_sampling_stays_within_what_the_model_takes(
    provider: Provider, model: str, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    body, notes = encoded(provider=provider, model=model, **given)
    assert {name: body[name] for name in ("temperature", "top_p") if name in body} == sent
    assert len(notes) == sum(value != sent.get(name, "") for name, value in given.items())


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        ("claude-sonnet-4-6", "minimal", {"output_config": {"effort": "low"}}),
        ("claude-sonnet-4-6", "xhigh", {"output_config": {"effort": "high"}}),
        ("claude-opus-4-8", "xhigh", {"output_config": {"effort": "xhigh"}}),
        ("claude-sonnet-5", "none", {"thinking": {"type": "disabled"}}),
        ("claude-sonnet-5-5", "none", {"output_config": {"effort": "low"}}),
        ("claude-sonnet-4-6", "none", {}),
        ("claude-haiku-4-5", "high", {}),
        ("claude-opus-4-8", "odd", {}),
    ],
)
def test_effort_is_sent_where_the_model_documents_it(model: str, effort: str, sent: dict[str, Any]) -> None:
    body, notes = encoded(model=model, reasoning_effort=effort)
    assert {name: body[name] for name in ("output_config", "thinking") if name in body} == sent
    assert sent or notes == ("left out reasoning_effort",)


@pytest.mark.parametrize(
    ("stop", "sent"), [("END", ["END"]), (["A", "B"], ["A", "B"]), (["A", "\n"], ["A"]), (" ", None), ([], None)]
)
def test_stop_sequences(stop: object, sent: list[str] | None) -> None:
    assert encoded(stop=stop)[0].get("stop_sequences") == sent


def test_a_user_is_sent_as_a_hash() -> None:
    sent, notes = encoded(user_id="+49 30 12345")
    assert len(sent["metadata"]["user_id"]) == 64
    assert "12345" not in json.dumps(sent)
    assert sent["metadata"] == encoded(user="+49 30 12345")[0]["metadata"]
    assert "sent user as a hash" in notes


def test_every_other_field_is_left_out_and_noted() -> None:
    sent, notes = encoded(
        HELLO | {"name": "mira"}, response_format={"type": "json_object"}, seed=1, elevenlabs_extra_body={}, house=1
    )
    assert sent.keys() == {"model", "max_tokens", "messages", "stream"}
    assert set(notes) == {
        "left out response_format",
        "left out seed",
        "left out elevenlabs_extra_body",
        "left out house",
        "left out messages[].name",
    }


def test_the_end_of_the_last_earlier_turn_is_marked_and_the_newest_is_not() -> None:
    sent, _ = encoded({"role": "system", "content": "S"}, HELLO, {"role": "assistant", "content": "Hi."}, HELLO)
    assert [block for turn in sent["messages"] for block in turn["content"]] == [
        text("Hello?"),
        text("Hi.", **MARK),
        text("Hello?"),
    ]
    assert json.dumps(sent).count("cache_control") == 2
    assert json.dumps(encoded(tools=[LOOK_UP])[0]).count("cache_control") == 1


@pytest.mark.parametrize(
    ("model", "history", "roles"),
    [
        ("claude-sonnet-4-6", ["user", "assistant"], ["user", "assistant", "user"]),
        ("claude-haiku-4-5", ["user", "assistant"], ["user", "assistant"]),
        ("claude-opus-4-6", ["user", "assistant", "system"], ["user", "assistant", "system", "user"]),
        ("claude-haiku-4-5", ["system"], ["system", "user"]),
        ("claude-haiku-4-5", ["system", "assistant", "user"], ["system", "user", "assistant", "user"]),
    ],
)
def test_the_openai_layer_gets_a_silent_user_where_it_needs_one(
    model: str, history: list[str], roles: list[str]
) -> None:
    messages = [{"role": role, "content": "Hm."} for role in history]
    sent, notes = encoded(*messages, provider=OPENAI_LAYER, model=model)
    assert [message["role"] for message in sent["messages"]] == roles
    assert bool(notes) == (history != roles)


def test_the_openai_layer_gets_one_choice_and_what_it_documents() -> None:
    sent, notes = encoded(provider=OPENAI_LAYER, n=3, seed=1, reasoning_effort="low", tools=[LOOK_UP], stop=["A"])
    assert sent.keys() == {"model", "messages", "stream", "stream_options", "tools", "stop"}
    assert set(notes) == {
        "left out n",
        "left out seed",
        "left out reasoning_effort",
        "completed the parameters of tools",
    }
