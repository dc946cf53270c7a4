"""The matrix: every provider's twin with every behaviour, streamed and whole, through the whole gateway."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from switchboard.domain.trace import Status
from switchboard.domain.usage import Tokens, UsageSource
from switchboard.stream.provider_errors import read_error
from testkit.twins.closed_models import ANTHROPIC_NATIVE
from testkit.twins.dialect import Dialect, Thinking
from testkit.twins.gateway import TwinGateway, headers_for
from testkit.twins.matrix import Behaviour
from testkit.twins.provider_twins import DIALECTS
from testkit.twins.received import ReceivedAnswer, read_response
from testkit.twins.reply import Counts, Reply, ToolUse, Trouble, text_reply
from testkit.twins.writing import in_band

pytestmark = pytest.mark.thorough

SPOKEN = "Grüß Gott, wie kann ich Ihnen helfen? 世界 👋 <b>ja</b>"
THOUGHTS = ("The caller ", "greets in German. ", "Answer in German, 世界.")
TOOLS = (
    ToolUse("find_appointment", '{"day": "2026-11-23", "who": "Grüß"}'),
    ToolUse("language_detection", '{"reason": "greeting", "language": "de"}'),
)
DEFINITIONS = [
    {"type": "function", "function": {"name": tool.name, "parameters": {"type": "object", "properties": {}}}}
    for tool in TOOLS
]
DEADLINE_MS = 120


@dataclass(frozen=True, slots=True)
class Cell:
    """One provider, streamed or not, and the gateway in front of it."""

    gateway: TwinGateway
    dialect: Dialect
    streamed: bool

    def call(self, reply: Reply, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        """A call as ElevenLabs makes it, to a twin that gives this reply."""
        self.gateway.twins.reply_with(reply)
        body = {
            "model": self.dialect.model,
            "messages": [{"role": "system", "content": "You are Mira."}, {"role": "user", "content": "Grüß Gott."}],
            "stream": self.streamed,
            "temperature": 0.4,
            "max_tokens": -1,
            "user_id": "caller-17",
            "elevenlabs_extra_body": {"practice": "north"},
            "parallel_tool_calls": True,
            "tools": DEFINITIONS,
            **fields,
        }
        sent = headers_for(self.dialect.base_url) | dict(self.dialect.headers) | (headers or {})
        return self.gateway.client.post("/v1/chat/completions", json=body, headers=sent)

    @property
    def in_band_message(self) -> str:
        """The error text that the twin sends when it breaks off."""
        return read_error(json.dumps(in_band(self.dialect)).encode()).message

    def answer(self, reply: Reply, **fields: Any) -> ReceivedAnswer:
        """The answer to a call that must succeed without a refusal."""
        response = self.call(reply, **fields)
        assert self.gateway.twins.refused == []
        assert response.status_code == 200, response.text
        received = read_response(response)
        assert received.error is None
        assert received.is_done
        trace = self.gateway.trace(response)
        assert (trace.status, trace.provider) == (Status.OK, self.dialect.provider)
        return received


def text(cell: Cell) -> None:
    received = cell.answer(text_reply(SPOKEN))
    assert (received.text, received.reasoning, received.tools, received.finish_reason) == (SPOKEN, "", [], "stop")


def tool_call(cell: Cell) -> None:
    received = cell.answer(Reply(tools=TOOLS))
    assert [(call.name, json.loads(call.arguments)) for call in received.tools] == [
        (tool.name, json.loads(tool.arguments)) for tool in TOOLS
    ]
    assert len({call.call_id for call in received.tools} - {""}) == len(TOOLS)
    assert received.finish_reason in {"tool_calls", cell.dialect.tool_finish}
    assert received.text == ""


def tool_round_trip(cell: Cell) -> None:
    history = [{"role": "system", "content": "You are Mira."}, {"role": "user", "content": "Monday?"}]
    called = cell.answer(Reply(tools=TOOLS), messages=history)
    results = [{"role": "tool", "tool_call_id": call.call_id, "content": '{"ok": true}'} for call in called.tools]
    spoken = cell.answer(text_reply("At nine."), messages=[*history, called.message(), *results])
    assert spoken.text == "At nine."
    sent = cell.gateway.twins.requests[-1].body.decode()
    assert all(tool.name in sent for tool in TOOLS)
    assert sent.count(r"{\"ok\":") == len(TOOLS)


def usage(cell: Cell) -> None:
    counts = Counts()
    response = cell.call(text_reply(SPOKEN), stream_options={"include_usage": True})
    received = read_response(response)
    kept = cell.gateway.trace(response).usage
    assert kept.tokens is not None
    assert (kept.source, kept.tokens) == (UsageSource.PROVIDER, expected_tokens(cell, counts))
    assert [counters["prompt_tokens"] for counters in received.usages][-1:] == [kept.tokens.prompt]
    without_usage = cell.call(text_reply(SPOKEN))
    assert cell.gateway.trace(without_usage).usage == kept
    if cell.streamed:
        assert b'"choices":[]' not in without_usage.content.replace(b" ", b"")
    assert cell.gateway.twins.refused == []


def expected_tokens(cell: Cell, counts: Counts) -> Tokens:
    """The counts in disjoint classes, as far as this provider reports them."""
    dialect = cell.dialect
    if dialect is ANTHROPIC_NATIVE:  # its twin counts the prompt itself
        sent = cell.gateway.twins.native.usages[-1]
        return Tokens(fresh_input=sent["input_tokens"], output=sent["output_tokens"])
    cached = counts.cached if dialect.reports_cache else 0
    return Tokens(
        fresh_input=counts.prompt - cached,
        cache_read=cached,
        output=counts.spoken + counts.reasoning,
        reasoning=counts.reasoning if dialect.reports_reasoning else 0,
    )


def error_before(cell: Cell) -> None:
    overloaded = cell.dialect.overloaded
    refused = cell.call(replace(text_reply(SPOKEN), trouble=Trouble.REFUSED))
    assert refused.status_code == (429 if overloaded.status == 429 else 502)
    received = read_response(refused)
    assert received.error is not None
    assert overloaded.message in received.error["message"]
    assert refused.headers["retry-after"] == "7"
    reported = cell.call(replace(text_reply(SPOKEN), trouble=Trouble.REPORTED_FIRST))
    assert reported.status_code == 502
    received = read_response(reported)
    assert received.error is not None
    assert cell.in_band_message in received.error["message"]
    for response in (refused, reported):
        assert cell.gateway.trace(response).status is Status.UPSTREAM_ERROR
    assert cell.gateway.twins.refused == []


def error_in_mid_stream(cell: Cell) -> None:
    for trouble, status in ((Trouble.REPORTED_LATER, Status.UPSTREAM_ERROR), (Trouble.CUT, Status.TRUNCATED)):
        response = cell.call(replace(text_reply(SPOKEN), trouble=trouble))
        received = read_response(response)
        trace = cell.gateway.trace(response)
        assert received.error is not None
        assert trouble is Trouble.CUT or cell.in_band_message in received.error["message"]
        if cell.streamed:
            assert (response.status_code, received.text, received.is_done) == (200, "Grüß Gott, ", False)
            assert trace.status is status
        else:
            assert (response.status_code, trace.status) == (502, Status.UPSTREAM_ERROR)


def empty(cell: Cell) -> None:
    for reply in (Reply(), Reply(thoughts=THOUGHTS)):
        response = cell.call(reply, model=cell.dialect.thinking_model)
        assert response.status_code == 502, response.text
        received = read_response(response)
        assert received.error is not None
        assert received.error["code"] == "empty_completion"
        assert cell.gateway.trace(response).status is Status.UPSTREAM_ERROR


def reasoning(cell: Cell) -> None:
    received = cell.answer(replace(text_reply(SPOKEN), thoughts=THOUGHTS), model=cell.dialect.thinking_model)
    assert received.text.strip() == SPOKEN
    shown = "" if cell.dialect.thinking is Thinking.HIDDEN else "".join(THOUGHTS)
    assert received.reasoning.strip() == shown


def utf8_split(cell: Cell) -> None:
    received = cell.answer(
        replace(text_reply(SPOKEN), thoughts=THOUGHTS, piece_bytes=1), model=cell.dialect.thinking_model
    )
    assert received.text.strip() == SPOKEN
    received = cell.answer(Reply(tools=TOOLS, piece_bytes=1))
    assert [json.loads(call.arguments) for call in received.tools] == [json.loads(tool.arguments) for tool in TOOLS]


def slow(cell: Cell) -> None:
    received = cell.answer(replace(text_reply(SPOKEN), pause_s=0.005))
    assert received.text == SPOKEN
    if not cell.streamed:
        return
    response = cell.call(
        replace(text_reply(SPOKEN), trouble=Trouble.SILENT), headers={"x-inference-ttft-timeout-ms": str(DEADLINE_MS)}
    )
    assert response.status_code == 504
    received = read_response(response)
    assert received.error is not None
    assert received.error["code"] == "first_token_late"
    assert cell.gateway.trace(response).status is Status.TIMEOUT


CHECKS: dict[Behaviour, Callable[[Cell], None]] = {
    Behaviour.TEXT: text,
    Behaviour.TOOL_CALL: tool_call,
    Behaviour.TOOL_ROUND_TRIP: tool_round_trip,
    Behaviour.USAGE: usage,
    Behaviour.ERROR_BEFORE: error_before,
    Behaviour.ERROR_IN_MID_STREAM: error_in_mid_stream,
    Behaviour.EMPTY: empty,
    Behaviour.REASONING: reasoning,
    Behaviour.UTF8_SPLIT: utf8_split,
    Behaviour.SLOW: slow,
}


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("behaviour", Behaviour, ids=lambda behaviour: behaviour.name.lower())
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_providers_behaviour(gateway: TwinGateway, dialect: Dialect, behaviour: Behaviour, streamed: bool) -> None:
    CHECKS[behaviour](Cell(gateway, dialect, streamed))


def test_every_behaviour_has_a_check() -> None:
    assert set(CHECKS) == set(Behaviour)
