"""Reasoning state over two turns of a conversation: put back by the process that has it, replaced by any other."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from testkit.openai_events import DONE, chunk, completion, event, finish
from testkit.running_gateway import RunningGateway, chat, running_gateway
from testkit.upstream import Answer, Request, ScriptedUpstream, json_answer

QUESTION = {"role": "user", "content": "Where is my order?"}
CALL = {"id": "call_0", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
ROUND = [
    QUESTION,
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_0", "content": "On its way."},
]
DETAILS = [
    {"type": "reasoning.text", "text": "Let me ", "index": 0, "format": "x"},
    {"type": "reasoning.text", "text": "look.", "index": 0, "signature": "s"},
    {"type": "reasoning.encrypted", "data": "opaque", "id": "call_0", "index": 1},
]
JOINED = [
    {"type": "reasoning.text", "text": "Let me look.", "index": 0, "format": "x", "signature": "s"},
    DETAILS[2],
]


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.fixture
async def gateway(upstream: ScriptedUpstream) -> AsyncIterator[RunningGateway]:
    async with running_gateway(upstream.host) as running:
        yield running


@pytest.fixture
async def another_process(upstream: ScriptedUpstream) -> AsyncIterator[RunningGateway]:
    async with running_gateway(upstream.host) as running:
        yield running


def at(upstream: ScriptedUpstream, provider: str) -> dict[str, str]:
    """The headers of a call to that upstream, which has that provider's dialect."""
    return {
        "x_inference_provider": provider,
        "x_inference_provider_url": upstream.base_url,
        "x_inference_provider_api_key": "sk-upstream",
    }


def calling(field: str, *parts: object, streamed: bool = True) -> Answer:
    """An answer that reasons and calls a tool."""
    if not streamed:
        whole = parts[0] if isinstance(parts[0], list) else "".join(map(str, parts))
        return json_answer(completion(None, finish_reason="tool_calls", tool_calls=[CALL], **{field: whole}))
    deltas = [event({"choices": [{"index": 0, "delta": {"role": "assistant", field: part}}]}) for part in parts]
    made = event({"choices": [{"index": 0, "delta": {"tool_calls": [CALL | {"index": 0}]}}]})
    return Answer([*deltas, made, finish("tool_calls"), DONE])


async def second_turn(
    gateway: RunningGateway, upstream: ScriptedUpstream, provider: str, model: str, number: int, **headers: str
) -> list[dict[str, Any]]:
    """The messages that the provider gets with the tool's result."""
    upstream.answers(Answer([chunk("It is on its way."), finish(), DONE]))
    await gateway.call(chat(model=model, messages=ROUND), **at(upstream, provider), **headers)
    request: Request = await upstream.request(number)
    messages: list[dict[str, Any]] = request.json["messages"]
    return messages


@pytest.mark.parametrize("streamed", [True, False])
async def test_reasoning_details_go_back_to_openrouter(
    gateway: RunningGateway, upstream: ScriptedUpstream, streamed: bool
) -> None:
    parts: list[object] = [[detail] for detail in DETAILS] if streamed else [JOINED]
    upstream.answers(calling("reasoning_details", *parts, streamed=streamed))
    first = chat(model="google/gemini-3-pro", messages=[QUESTION], stream=streamed)
    await gateway.call(first, **at(upstream, "openrouter"))
    messages = await second_turn(gateway, upstream, "openrouter", "google/gemini-3-pro", 2)
    assert messages[1]["reasoning_details"] == JOINED


async def test_openrouter_gets_the_skip_value_from_a_process_that_has_no_details(
    another_process: RunningGateway, upstream: ScriptedUpstream
) -> None:
    messages = await second_turn(another_process, upstream, "openrouter", "google/gemini-3-pro", 1)
    [detail] = messages[1]["reasoning_details"]
    assert (detail["data"], detail["id"]) == ("skip_thought_signature_validator", "call_0")
    messages = await second_turn(another_process, upstream, "openrouter", "openai/gpt-4o", 2)
    assert "reasoning_details" not in messages[1]


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("deepseek", "deepseek-reasoner"),
        ("deepseek", "deepseek-v4-pro"),
        ("generic", "kimi-k2-thinking"),
        ("fireworks", "accounts/fireworks/models/kimi-k2-thinking"),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
async def test_reasoning_goes_back_to_the_provider_that_wants_it(
    gateway: RunningGateway, upstream: ScriptedUpstream, provider: str, model: str, streamed: bool
) -> None:
    upstream.answers(calling("reasoning_content", "Let me ", "look.", streamed=streamed))
    await gateway.call(chat(model=model, messages=[QUESTION], stream=streamed), **at(upstream, provider))
    messages = await second_turn(gateway, upstream, provider, model, 2)
    assert messages[1]["reasoning_content"] == "Let me look."
    assert messages[1]["tool_calls"] == [CALL]


async def test_deepseek_gets_a_round_as_text_from_a_process_that_has_no_reasoning(
    another_process: RunningGateway, upstream: ScriptedUpstream
) -> None:
    messages = await second_turn(another_process, upstream, "deepseek", "deepseek-reasoner", 1)
    assert messages[1:] == [
        {"role": "assistant", "content": "[called look_up with {}]"},
        {"role": "user", "content": "[look_up returned: On its way.]"},
    ]
    messages = await second_turn(another_process, upstream, "deepseek", "deepseek-chat", 2)
    assert messages[1]["tool_calls"] == [CALL]


def signed(signature: str) -> Answer:
    """Gemini's answer with a signed tool call."""
    call = CALL | {"index": 0, "extra_content": {"google": {"thought_signature": signature}}}
    return Answer([event({"choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": [call]}}]}), DONE])


def signature_in(messages: list[dict[str, Any]]) -> str:
    """The signature that was sent."""
    return str(messages[1]["tool_calls"][0]["extra_content"]["google"]["thought_signature"])


async def test_conversations_with_the_same_call_ids_keep_their_own_signatures(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    model = "gemini-3-flash"
    for conversation in ("a", "b"):
        upstream.answers(signed(f"signature-{conversation}"))
        headers = {"x_inference_metadata_conversation_id": conversation}
        await gateway.call(chat(model=model, messages=[QUESTION]), **at(upstream, "google"), **headers)
    for number, conversation in ((3, "a"), (4, "b")):
        headers = {"x_inference_metadata_conversation_id": conversation}
        messages = await second_turn(gateway, upstream, "google", model, number, **headers)
        assert signature_in(messages) == f"signature-{conversation}"


async def test_another_history_does_not_get_the_signature(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(signed("signature-a"))
    other = {"role": "user", "content": "Something else."}
    await gateway.call(chat(model="gemini-3-flash", messages=[other]), **at(upstream, "google"))
    messages = await second_turn(gateway, upstream, "google", "gemini-3-flash", 2)
    assert signature_in(messages) == "skip_thought_signature_validator"
