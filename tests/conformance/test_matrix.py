"""The matrix: every provider's twin by every behaviour, streamed and whole, through the whole gateway."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from switchboard.domain.trace import Status
from switchboard.domain.usage import Tokens, UsageSource
from switchboard.stream.deltas import read_error
from testkit.twins.closed_models import ANTHROPIC_NATIVE
from testkit.twins.dialect import Dialect, Thinking
from testkit.twins.gateway import TwinGateway, headers_for
from testkit.twins.heard import Heard, listen
from testkit.twins.house import DIALECTS
from testkit.twins.matrix import Behaviour
from testkit.twins.reply import Counts, Reply, ToolUse, Trouble, says
from testkit.twins.writing import in_band

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
    """One provider, streamed or not, and the gateway before it."""

    gateway: TwinGateway
    dialect: Dialect
    streamed: bool

    def call(self, reply: Reply, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        """A call as ElevenLabs makes it, to a twin that gives this reply."""
        self.gateway.house.says(reply)
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
        """What the twin says when it breaks off."""
        return read_error(json.dumps(in_band(self.dialect)).encode()).message

    def hear(self, reply: Reply, **fields: Any) -> Heard:
        """What is heard of a call that must end well, with nothing refused."""
        response = self.call(reply, **fields)
        assert self.gateway.house.refused == []
        assert response.status_code == 200, response.text
        heard = listen(response)
        assert heard.error is None
        assert heard.is_done
        trace = self.gateway.trace(response)
        assert (trace.status, trace.provider) == (Status.OK, self.dialect.provider)
        return heard


def text(cell: Cell) -> None:
    heard = cell.hear(says(SPOKEN))
    assert (heard.text, heard.reasoning, heard.tools, heard.finish_reason) == (SPOKEN, "", [], "stop")


def tool_call(cell: Cell) -> None:
    heard = cell.hear(Reply(tools=TOOLS))
    assert [(call.name, json.loads(call.arguments)) for call in heard.tools] == [
        (tool.name, json.loads(tool.arguments)) for tool in TOOLS
    ]
    assert len({call.call_id for call in heard.tools} - {""}) == len(TOOLS)
    assert heard.finish_reason in {"tool_calls", cell.dialect.tool_finish}
    assert heard.text == ""


def tool_round_trip(cell: Cell) -> None:
    asked = [{"role": "system", "content": "You are Mira."}, {"role": "user", "content": "Monday?"}]
    called = cell.hear(Reply(tools=TOOLS), messages=asked)
    results = [{"role": "tool", "tool_call_id": call.call_id, "content": '{"ok": true}'} for call in called.tools]
    spoken = cell.hear(says("At nine."), messages=[*asked, called.message(), *results])
    assert spoken.text == "At nine."
    sent = cell.gateway.house.heard[-1].body.decode()
    assert all(tool.name in sent for tool in TOOLS)
    assert sent.count(r"{\"ok\":") == len(TOOLS)


def usage(cell: Cell) -> None:
    counts = Counts()
    response = cell.call(says(SPOKEN), stream_options={"include_usage": True})
    heard = listen(response)
    kept = cell.gateway.trace(response).usage
    assert kept.tokens is not None
    assert (kept.source, kept.tokens) == (UsageSource.PROVIDER, expected_tokens(cell, counts))
    assert [told["prompt_tokens"] for told in heard.usages][-1:] == [kept.tokens.prompt]
    unasked = cell.call(says(SPOKEN))
    assert cell.gateway.trace(unasked).usage == kept
    if cell.streamed:
        assert b'"choices":[]' not in unasked.content.replace(b" ", b"")
    assert cell.gateway.house.refused == []


def expected_tokens(cell: Cell, counts: Counts) -> Tokens:
    """The counts in disjoint classes, as far as this provider tells them apart."""
    dialect = cell.dialect
    if dialect is ANTHROPIC_NATIVE:  # whose twin reckons its own prompt
        told = cell.gateway.house.native.usages[-1]
        return Tokens(fresh_input=told["input_tokens"], output=told["output_tokens"])
    cached = counts.cached if dialect.tells_cache else 0
    return Tokens(
        fresh_input=counts.prompt - cached,
        cache_read=cached,
        output=counts.spoken + counts.reasoning,
        reasoning=counts.reasoning if dialect.tells_reasoning else 0,
    )


def error_before(cell: Cell) -> None:
    overloaded = cell.dialect.overloaded
    refused = cell.call(replace(says(SPOKEN), trouble=Trouble.REFUSED))
    assert refused.status_code == (429 if overloaded.status == 429 else 502)
    heard = listen(refused)
    assert heard.error is not None
    assert overloaded.message in heard.error["message"]
    assert refused.headers["retry-after"] == "7"
    reported = cell.call(replace(says(SPOKEN), trouble=Trouble.REPORTED_FIRST))
    assert reported.status_code == 502
    heard = listen(reported)
    assert heard.error is not None
    assert cell.in_band_message in heard.error["message"]
    for response in (refused, reported):
        assert cell.gateway.trace(response).status is Status.UPSTREAM_ERROR
    assert cell.gateway.house.refused == []


def error_in_mid_stream(cell: Cell) -> None:
    for trouble, status in ((Trouble.REPORTED_LATER, Status.UPSTREAM_ERROR), (Trouble.CUT, Status.TRUNCATED)):
        response = cell.call(replace(says(SPOKEN), trouble=trouble))
        heard = listen(response)
        trace = cell.gateway.trace(response)
        assert heard.error is not None
        assert trouble is Trouble.CUT or cell.in_band_message in heard.error["message"]
        if cell.streamed:
            assert (response.status_code, heard.text, heard.is_done) == (200, "Grüß Gott, ", False)
            assert trace.status is status
        else:
            assert (response.status_code, trace.status) == (502, Status.UPSTREAM_ERROR)


def empty(cell: Cell) -> None:
    for reply in (Reply(), Reply(thoughts=THOUGHTS)):
        response = cell.call(reply, model=cell.dialect.thinking_model)
        assert response.status_code == 502, response.text
        heard = listen(response)
        assert heard.error is not None
        assert heard.error["code"] == "empty_completion"
        assert cell.gateway.trace(response).status is Status.UPSTREAM_ERROR


def reasoning(cell: Cell) -> None:
    heard = cell.hear(replace(says(SPOKEN), thoughts=THOUGHTS), model=cell.dialect.thinking_model)
    assert heard.text.strip() == SPOKEN
    shown = "" if cell.dialect.thinking is Thinking.HIDDEN else "".join(THOUGHTS)
    assert heard.reasoning.strip() == shown


def utf8_split(cell: Cell) -> None:
    heard = cell.hear(replace(says(SPOKEN), thoughts=THOUGHTS, piece_bytes=1), model=cell.dialect.thinking_model)
    assert heard.text.strip() == SPOKEN
    heard = cell.hear(Reply(tools=TOOLS, piece_bytes=1))
    assert [json.loads(call.arguments) for call in heard.tools] == [json.loads(tool.arguments) for tool in TOOLS]


def slow(cell: Cell) -> None:
    heard = cell.hear(replace(says(SPOKEN), pause_s=0.005))
    assert heard.text == SPOKEN
    if not cell.streamed:
        return
    response = cell.call(
        replace(says(SPOKEN), trouble=Trouble.SILENT), headers={"x-inference-ttft-timeout-ms": str(DEADLINE_MS)}
    )
    assert response.status_code == 504
    heard = listen(response)
    assert heard.error is not None
    assert heard.error["code"] == "first_token_late"
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
def test_a_cell_of_the_matrix(gateway: TwinGateway, dialect: Dialect, behaviour: Behaviour, streamed: bool) -> None:
    CHECKS[behaviour](Cell(gateway, dialect, streamed))


def test_the_matrix_is_whole() -> None:
    assert set(CHECKS) == set(Behaviour)
