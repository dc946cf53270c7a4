"""A recorded ElevenLabs conversation of twelve turns, with every provider and without a refusal."""

import json

import httpx
import pytest

from switchboard.domain.trace import Status
from testkit.twins.closed_models import ANTHROPIC_LAYER, GOOGLE
from testkit.twins.conversation import RECORDED, added, scripted
from testkit.twins.dialect import Dialect, Json
from testkit.twins.gateway import TwinGateway, headers_for
from testkit.twins.hosted_models import CLOUDFLARE
from testkit.twins.laboratories import MISTRAL
from testkit.twins.provider_twins import DIALECTS
from testkit.twins.received import ReceivedAnswer, read_response
from testkit.twins.reply import text_reply

LABELS = {"x-inference-task-id": "book-appointment", "x-inference-metadata-conversation-id": "conv_01k0example"}
SUBJECTS = [
    pytest.param(dialect, model, id=f"{dialect.name}-{model.rpartition('/')[2]}")
    for dialect in DIALECTS
    for model in dialect.models
]


@pytest.mark.parametrize(("dialect", "model"), SUBJECTS)
def test_every_turn_of_a_conversation_is_answered(gateway: TwinGateway, dialect: Dialect, model: str) -> None:
    history: list[Json] = []
    received: ReceivedAnswer | None = None
    for number, turn in enumerate(RECORDED["turns"], 1):
        reply = scripted(turn, thought=RECORDED["thought"])
        gateway.twins.reply_with(reply)
        history += added(turn, received)
        response = call(gateway, dialect, model, history)
        assert gateway.twins.refused == [], f"turn {number}: {turn['what']}"
        assert response.status_code == 200, f"turn {number}: {response.text}"
        received = read_response(response)
        assert received.text.strip() == reply.text, f"turn {number}"
        assert [(c.name, json.loads(c.arguments)) for c in received.tools] == [
            (tool.name, json.loads(tool.arguments)) for tool in reply.tools
        ]
        assert received.is_done
        assert gateway.trace(response).status is Status.OK
        history.append(received.message())
    assert number == 12


def call(gateway: TwinGateway, dialect: Dialect, model: str, history: list[Json], **headers: str) -> httpx.Response:
    """One turn, as the agent sends it."""
    return gateway.client.post(
        "/v1/chat/completions",
        json={"model": model, "messages": history, **RECORDED["fields"]},
        headers=headers_for(dialect.base_url, **headers) | dict(dialect.headers) | LABELS,
    )


STRICT = (ANTHROPIC_LAYER, GOOGLE, CLOUDFLARE, MISTRAL)


@pytest.mark.parametrize("dialect", STRICT, ids=lambda dialect: dialect.name)
def test_a_strict_provider_refuses_what_is_sent_in_another_dialect(gateway: TwinGateway, dialect: Dialect) -> None:
    history: list[Json] = []
    received: ReceivedAnswer | None = None
    for turn in RECORDED["turns"]:
        gateway.twins.reply_with(scripted(turn, thought=RECORDED["thought"]))
        history += added(turn, received)
        response = call(gateway, dialect, dialect.model, history, x_inference_provider="generic")
        if gateway.twins.refused:
            assert response.status_code == gateway.twins.refused[0].status
            return
        received = read_response(response)
        history.append(received.message())
    pytest.fail("nothing was refused")


@pytest.mark.parametrize("model", GOOGLE.models)
def test_a_conversation_continues_in_a_sandbox_without_its_signatures(gateway: TwinGateway, model: str) -> None:
    made_elsewhere = {"id": "made-elsewhere", "type": "function", "function": {"name": "end_call", "arguments": "{}"}}
    history: list[Json] = [
        {"role": "user", "content": "Bye."},
        {"role": "assistant", "content": None, "tool_calls": [made_elsewhere]},
        {"role": "tool", "tool_call_id": "made-elsewhere", "content": "ok"},
    ]
    gateway.twins.reply_with(text_reply("Goodbye!"))
    assert read_response(call(gateway, GOOGLE, model, history)).text == "Goodbye!"
    assert gateway.twins.refused == []


def test_the_recording_covers_an_agents_calls() -> None:
    turns = RECORDED["turns"]
    called = {name for turn in turns for name, _ in turn["reply"].get("tools", ())}
    assert called == {
        "language_detection",
        "find_appointment",
        "notify_condition_2_met",
        "book_appointment",
        "end_call",
    }
    assert RECORDED["fields"]["max_tokens"] == -1
    assert [turn["adds"] for turn in turns].count([]) == 1
    assert any(message["content"] == "..." for turn in turns for message in turn["adds"])
