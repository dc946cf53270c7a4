"""What each repair of a history gives, exactly, through the rows of the table."""

import json
from typing import Any

import pytest

from gateway.api.body import read_chat
from gateway.domain.clock import Clock
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory

CHAT_ROWS = [row.dialect for row in table.PROVIDERS if row.dialect not in ("anthropic", "demo")]
USER = {"role": "user", "content": "Is Monday free?"}
AGAIN = {"role": "user", "content": "Hello?"}
ANSWER = {"role": "assistant", "content": "One moment."}
NO_RESULT = "The tool gave no result."
PARAMETERS = {"type": "object", "properties": {}}


def sent(key: str, *messages: Any, model: str = "m", **fields: Any) -> dict[str, Any]:
    chat = read_chat(json.dumps({"model": model, "messages": messages, **fields}).encode())
    row = table.by_dialect(key)
    body, notes = row.encode(chat, model, SignatureMemory(Clock()))
    found: dict[str, Any] = json.loads(body)
    assert notes or found["messages"] == list(messages), "a change without a note"
    return found


def history(key: str, *messages: Any, **fields: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sent(key, *messages, **fields)["messages"]
    return found


def calling(*ids: str | None, **function: Any) -> dict[str, Any]:
    called = {"name": "look_up", "arguments": "{}"} | function
    calls = [{"id": call_id, "type": "function", "function": called} for call_id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(call_id: str | None, content: Any = "yes") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def orphan(text: str) -> dict[str, Any]:
    return {"role": "user", "content": f"<tool_result>\n{text}\n</tool_result>"}


@pytest.mark.parametrize("key", ["openai", "azure", "xai", "fireworks", "openrouter", "generic"])
@pytest.mark.parametrize(
    ("given", "repaired"),
    [
        ([USER, calling("a"), result("a"), AGAIN], None),
        ([USER, calling("a", "b"), result("b"), result("a"), AGAIN], None),
        ([USER, calling("a"), AGAIN], [USER, calling("a"), result("a", NO_RESULT), AGAIN]),
        ([USER, calling("a"), AGAIN, result("a"), ANSWER], [USER, calling("a"), result("a"), AGAIN, ANSWER]),
        (
            [USER, calling("a"), AGAIN, ANSWER, AGAIN, result("a")],
            [USER, calling("a"), result("a"), AGAIN, ANSWER, AGAIN],
        ),
        (
            [USER, calling("a", "b"), result("b"), AGAIN],
            [USER, calling("a", "b"), result("b"), result("a", NO_RESULT), AGAIN],
        ),
        ([USER, result("z", "42"), AGAIN], [USER, orphan("42"), AGAIN]),
        ([result("a"), USER, calling("a")], [orphan("yes"), USER, calling("a"), result("a", NO_RESULT)]),
        (
            [USER, calling("a"), result("a"), result("a", "twice"), AGAIN],
            [USER, calling("a"), result("a"), orphan("twice"), AGAIN],
        ),
        ([USER, calling("a"), AGAIN, result("z")], [USER, calling("a"), result("a", NO_RESULT), AGAIN, orphan("yes")]),
        ([USER, calling("a"), result("z")], [USER, calling("a"), result("a")]),
        (
            [USER, calling("a"), AGAIN, calling("a"), result("a", "2")],
            [USER, calling("a"), result("a", NO_RESULT), AGAIN, calling("a"), result("a", "2")],
        ),
        ([USER, calling(None), result("")], [USER, calling("call_0"), result("call_0")]),
        (
            [USER, calling("a", "a"), result("a", "1"), result("a", "2")],
            [USER, calling("a", "call_0"), result("a", "1"), result("call_0", "2")],
        ),
    ],
)
def test_rounds_of_tool_calls_are_completed(key: str, given: list[Any], repaired: list[Any] | None) -> None:
    assert history(key, *given) == (given if repaired is None else repaired)


@pytest.mark.parametrize("key", CHAT_ROWS)
def test_a_call_is_never_left_out_and_no_success_is_invented(key: str) -> None:
    found = history(key, USER, calling("a", "b", "c"), AGAIN, ANSWER, calling("d"), AGAIN, result("b", "booked"), AGAIN)
    calls = [call for message in found for call in message.get("tool_calls") or ()]
    results = {message["tool_call_id"]: message["content"] for message in found if message["role"] == "tool"}
    assert len(calls) == 4
    assert [results[call["id"]] for call in calls] == [NO_RESULT, "booked", NO_RESULT, NO_RESULT]


@pytest.mark.parametrize("key", ["xai", "google", "openrouter", "bedrock", "anthropic-openai", "mistral"])
def test_an_empty_answer_is_left_out_and_one_with_a_call_is_not(key: str) -> None:
    for content in ("", " \n", None, [], [{"type": "text", "text": ""}]):
        assert history(key, USER, {"role": "assistant", "content": content}, AGAIN) == [USER, AGAIN]
        found = history(key, USER, calling("Abc012345") | {"content": content}, result("Abc012345"))
        assert [message["role"] for message in found] == ["user", "assistant", "tool"]


def test_an_empty_answer_with_reasoning_is_kept_where_the_reasoning_is_taken() -> None:
    thought = {"role": "assistant", "content": "", "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}
    assert history("openrouter", USER, thought, AGAIN) == [USER, thought, AGAIN]
    assert history("xai", USER, thought, AGAIN) == [USER, AGAIN]


def test_an_answer_of_empty_text_stays_where_it_is_taken() -> None:
    answer = {"role": "assistant", "content": ""}
    assert history("openai", USER, answer, AGAIN) == [USER, answer, AGAIN]


@pytest.mark.parametrize("key", CHAT_ROWS)
def test_an_empty_list_says_nothing_outside_of_schemas_arguments_and_metadata(key: str) -> None:
    schema = {"type": "object", "properties": {"day": {"enum": []}}, "required": []}
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": schema}}]
    arguments = '{"days": []}'
    fields: dict[str, Any] = {"tools": tools, "stop": [], "metadata": {"a": []}, "modalities": [], "functions": []}
    call = calling("Abc012345", arguments=arguments)
    body = sent(key, USER, ANSWER | {"tool_calls": []}, call, result("Abc012345"), **fields)
    assert not {"stop", "modalities", "functions"} & body.keys()
    assert body["tools"] == tools
    assert body.get("metadata", {"a": []}) == {"a": []}
    assert body["messages"][1] == ANSWER
    assert body["messages"][2]["tool_calls"][0]["function"]["arguments"] == arguments


@pytest.mark.parametrize("key", ["groq", "cloudflare", "deepseek", "cerebras"])
@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_parts_of_text_are_joined_where_only_strings_are_taken(key: str, role: str) -> None:
    parts = [{"type": "text", "text": "You are"}, {"type": "text", "text": "Mira."}]
    assert {"role": role, "content": "You are\nMira."} in history(key, {"role": role, "content": parts}, USER)


def test_a_name_of_a_sender_is_sent_in_plain_letters_or_not_at_all() -> None:
    given = [USER | {"name": "José M."}, ANSWER | {"name": "mira-2"}, AGAIN | {"name": "予約"}]
    assert history("openai", *given) == [USER | {"name": "Jose_M"}, ANSWER | {"name": "mira-2"}, AGAIN]
    assert history("generic", *given) == given


@pytest.mark.parametrize("key", [key for key in CHAT_ROWS if key != "generic"])
def test_parameters_of_a_tool_are_an_object_with_properties(key: str) -> None:
    nested = {"type": "object", "properties": {"a": {"type": "object"}}}
    for given, complete in (({"type": "object"}, PARAMETERS), ({}, PARAMETERS), (nested, nested)):
        tool = {"type": "function", "function": {"name": "look_up", "parameters": given}}
        assert sent(key, USER, tools=[tool])["tools"][0]["function"]["parameters"] == complete


MARK = {"type": "ephemeral"}


@pytest.mark.parametrize(
    ("key", "is_kept"),
    [("openai", False), ("google", False), ("mistral", False), ("openrouter", True), ("generic", True)],
)
def test_a_mark_for_the_prompt_cache_stays_where_it_is_taken(key: str, is_kept: bool) -> None:
    tool = {"type": "function", "cache_control": MARK, "function": {"name": "look_up", "parameters": PARAMETERS}}
    part = {"type": "text", "text": "Hi.", "cache_control": MARK}
    body = sent(key, {"role": "user", "content": [part]}, tools=[tool])
    assert ("cache_control" in body["tools"][0]) is is_kept
    assert ("cache_control" in body["messages"][0]["content"][0]) is is_kept


@pytest.mark.parametrize("arguments", ["", " ", None, "null"])
@pytest.mark.parametrize("key", CHAT_ROWS)
def test_empty_arguments_become_an_empty_object(key: str, arguments: object) -> None:
    found = history(key, USER, calling("Abc012345", arguments=arguments), result("Abc012345"))
    assert found[1]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_half_of_a_surrogate_pair_becomes_the_replacement_character() -> None:
    cut = ANSWER | {"content": "Hi \ud83c"}
    found = history("openai", USER, cut, calling("a", arguments='{"a":"\\ud83c","b":NaN}'), result("a"))
    assert found[1]["content"] == "Hi \N{REPLACEMENT CHARACTER}"
    arguments = found[2]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"a": "\N{REPLACEMENT CHARACTER}", "b": None}


UPDATE = {"role": "system", "content": "It is noon."}
MARKED = {"role": "user", "content": "<system>\nIt is noon.\n</system>"}
FIRST = {"role": "system", "content": "You are Mira."}


@pytest.mark.parametrize(
    ("key", "model"),
    [
        ("mistral", "mistral-large-latest"),
        ("generic", "Qwen/Qwen3.5-35B-A3B"),
        ("openrouter", "mistralai/mistral-small-3.2"),
        ("together", "mistralai/Mistral-7B-Instruct-v0.3"),
        ("generic", "google/gemma-3-27b-it"),
        ("generic", "sonar-pro"),
    ],
)
def test_a_later_system_message_keeps_its_place_as_the_users_where_it_is_refused(key: str, model: str) -> None:
    found = history(key, FIRST, USER, ANSWER, UPDATE, AGAIN, model=model)
    assert found[:3] == [FIRST, USER, ANSWER]
    joined = {"role": "user", "content": f"{MARKED['content']}\nHello?"}
    assert found[3:] in ([MARKED, AGAIN], [joined])


@pytest.mark.parametrize("key", [key for key in CHAT_ROWS if key != "mistral"])
@pytest.mark.parametrize("model", ["m", "gpt-4.1", "llama-3.3-70b", "qwen3-32b", "gemini-2.5-flash"])
def test_a_later_system_message_is_left_alone_elsewhere(key: str, model: str) -> None:
    assert history(key, FIRST, USER, ANSWER, UPDATE, AGAIN, model=model) == [FIRST, USER, ANSWER, UPDATE, AGAIN]


def test_a_model_without_system_messages_gets_none() -> None:
    first = {"role": "user", "content": "<system>\nYou are Mira.\n</system>"}
    assert history("google", FIRST, USER, model="gemma-3-27b-it") == [first, USER]
    joined = {"role": "user", "content": f"{first['content']}\n{USER['content']}"}
    assert history("generic", FIRST, USER, model="google/gemma-2-9b-it") == [joined]


def test_neighbours_of_one_role_are_joined_where_roles_must_alternate() -> None:
    given = [FIRST, FIRST, USER, ANSWER | {"content": ""}, AGAIN, ANSWER, calling("a"), result("a")]
    found = history("openrouter", *given, model="mistralai/mixtral-8x7b")
    assert [message["role"] for message in found] == ["system", "user", "assistant", "tool"]
    assert found[1]["content"] == "Is Monday free?\nHello?"
    assert (found[2]["content"], len(found[2]["tool_calls"])) == ("One moment.", 1)


@pytest.mark.parametrize("key", ["openai", "azure", "openrouter"])
def test_a_long_id_is_shortened_alike_for_call_and_result_in_every_request(key: str) -> None:
    ids = ["call_" + "0123456789" * 5, "call_" + "0123456789" * 5 + "x", "call_short"]
    found = history(key, USER, calling(*ids), *map(result, ids))
    short = [call["id"] for call in found[1]["tool_calls"]]
    assert [message["tool_call_id"] for message in found[2:]] == short
    assert (len(set(short)), max(map(len, short)), short[2]) == (3, 40, ids[2])
    assert history(key, USER, calling(*ids), *map(result, ids), AGAIN)[:5] == found


def test_ids_at_anthropic_are_unique_and_have_its_form() -> None:
    given = [USER, calling("a.b"), result("a.b"), calling("a_b"), result("a_b"), calling("a_b"), result("a_b")]
    found = history("anthropic-openai", *given, AGAIN)
    ids = [call["id"] for message in found for call in message.get("tool_calls") or ()]
    assert ids == ["a_b", "a_b_1", "a_b_2"]
    assert [message["tool_call_id"] for message in found if message["role"] == "tool"] == ids


def test_an_image_in_an_earlier_turn_is_replaced_by_a_text() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,AAAA"}}
    audio = {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}
    asked = {"role": "user", "content": [image, audio, {"type": "text", "text": "?"}]}
    assert history("groq", asked, ANSWER, AGAIN)[0]["content"] == "[image left out]\n[audio left out]\n?"
    assert history("openai", asked, ANSWER, AGAIN)[0]["content"][:2] == [
        {"type": "text", "text": "[image left out]"},
        audio,
    ]
