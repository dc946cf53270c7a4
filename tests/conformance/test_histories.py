"""Histories that providers refuse: through the gateway all answer them, and as they are some twin refuses them."""

import json
from typing import Any

import httpx
import pytest

from switchboard.domain.trace import Status
from testkit.twins.closed_models import ANTHROPIC_NATIVE
from testkit.twins.dialect import Dialect
from testkit.twins.gateway import TwinGateway, headers_for
from testkit.twins.openai_models import GENERIC
from testkit.twins.provider_twins import DIALECTS, KEY, OPENAI_SHAPED, refuse
from testkit.twins.received import read_response
from testkit.twins.reply import Reply, ToolUse, text_reply
from testkit.upstream import Request

pytestmark = pytest.mark.thorough

LONG_ID = "call_" + "0123456789" * 5
SYSTEM = {"role": "system", "content": "You are Mira."}
USER = {"role": "user", "content": "Is Monday free?"}
AGAIN = {"role": "user", "content": "Hello?"}
ANSWER = {"role": "assistant", "content": "One moment."}


def calling(*ids: str | None, name: str = "look_up", arguments: object = "{}") -> dict[str, Any]:
    calls = [{"id": i, "type": "function", "function": {"name": name, "arguments": arguments}} for i in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(call_id: str | None, content: object = "yes") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def image(url: str) -> dict[str, Any]:
    return {
        "role": "user",
        "content": [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": url}}],
    }


def parts(role: str, *texts: str, **others: Any) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text, **others} for text in texts]}


def tool(name: str = "look_up", parameters: object = None, **others: Any) -> dict[str, Any]:
    function = {"name": name, "description": "Looks up.", "parameters": parameters or {"type": "object"}}
    return {"type": "function", "function": function, **others}


LEGACY: list[dict[str, Any]] = [
    {"role": "assistant", "content": None, "function_call": {"name": "look_up", "arguments": "{}"}},
    {"role": "function", "name": "look_up", "content": "yes"},
]
MARK = {"cache_control": {"type": "ephemeral"}}

HISTORIES: dict[str, list[dict[str, Any]]] = {
    "a call without a result": [USER, calling("c1"), AGAIN],
    "a result that comes late": [USER, calling("c1"), AGAIN, result("c1"), ANSWER, AGAIN],
    "a result after the next answer": [USER, calling("c1"), AGAIN, ANSWER, result("c1"), AGAIN],
    "one of two results": [USER, calling("c1", "c2"), result("c2"), AGAIN],
    "a result without a call": [USER, result("c9"), AGAIN],
    "two results of one call": [USER, calling("c1"), result("c1"), result("c1"), AGAIN],
    "calls of one id": [USER, calling("c1", "c1"), result("c1"), result("c1"), AGAIN],
    "an id used again": [USER, calling("c1"), result("c1"), AGAIN, calling("c1"), result("c1")],
    "calls without an id": [USER, calling(None, ""), result(None), result(""), AGAIN],
    "a call at the end": [USER, calling("c1")],
    "a long id": [USER, calling(LONG_ID), result(LONG_ID)],
    "an odd id": [USER, calling("functions.look_up:0"), result("functions.look_up:0")],
    "an answer of nothing": [USER, {"role": "assistant", "content": ""}, AGAIN],
    "an answer of null": [USER, {"role": "assistant", "content": None}, AGAIN],
    "an answer of an empty part": [USER, parts("assistant", ""), AGAIN],
    "nothing but an empty answer": [{"role": "assistant", "content": ""}],
    "an empty question": [USER, ANSWER, {"role": "user", "content": ""}],
    "an empty result": [USER, calling("c1"), result("c1", ""), AGAIN],
    "an empty list of calls": [USER, ANSWER | {"tool_calls": []}, AGAIN],
    "empty lists in parts": [parts("user", "Hi.", annotations=[]), ANSWER | {"annotations": []}, AGAIN],
    "an empty content": [USER, {"role": "assistant", "content": []}, {"role": "user", "content": []}],
    "parts of text": [parts("system", "You", "are."), USER, parts("assistant", "A", "b"), parts("user", "C", "d")],
    "a result in parts": [USER, calling("c1"), result("c1", [{"type": "text", "text": "yes"}])],
    "marked parts": [parts("system", "You are Mira.", **MARK), parts("user", "Hi.", **MARK)],
    "a sender's name": [USER | {"name": "José M."}, ANSWER, AGAIN | {"name": "予約"}],
    "a tool's name": [USER, calling("c1", name="calendar.find-slot"), result("c1"), AGAIN],
    "a tool's long name": [USER, calling("c1", name="n" * 90), result("c1"), AGAIN],
    "a call without a name": [USER, calling("c1", name=""), result("c1"), AGAIN],
    "empty arguments": [USER, calling("c1", arguments=""), result("c1"), AGAIN],
    "arguments of null": [USER, calling("c1", arguments=None), result("c1"), AGAIN],
    "arguments that are an object": [USER, calling("c1", arguments={"day": 1}), result("c1"), AGAIN],
    "arguments that were cut": [USER, calling("c1", arguments='{"day": "Mo'), result("c1"), AGAIN],
    "arguments with half a character": [USER, calling("c1", arguments='{"a": "\\ud83c"}'), result("c1"), AGAIN],
    "half a character": [USER, {"role": "assistant", "content": "Hi \ud83c"}, AGAIN],
    "an older function call": [USER, *LEGACY, AGAIN],
    "an older function call, interrupted": [USER, LEGACY[0], AGAIN, LEGACY[1], ANSWER, AGAIN],
    "an update in the middle": [SYSTEM, USER, ANSWER, {"role": "system", "content": "It is noon."}, AGAIN],
    "an update after a result": [SYSTEM, USER, calling("c1"), result("c1"), SYSTEM, AGAIN],
    "neighbours": [SYSTEM, USER, AGAIN, ANSWER, ANSWER, USER, AGAIN],
    "a drawing in an earlier turn": [image("data:image/svg+xml;base64,AAAA"), ANSWER, AGAIN],
    "an answer with an image": [USER, image("https://a.test/b.png") | {"role": "assistant"}, AGAIN],
}


def sent_to(gateway: TwinGateway, dialect: Dialect, messages: list[dict[str, Any]], **fields: Any) -> httpx.Response:
    """A call, with half characters written as a caller writes them."""
    body = json.dumps({"model": dialect.model, "messages": messages, **fields}).encode()
    headers = headers_for(dialect.base_url) | dict(dialect.headers) | {"content-type": "application/json"}
    return gateway.client.post("/v1/chat/completions", content=body, headers=headers)


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_history_that_some_provider_refuses_is_answered_by_all(
    gateway: TwinGateway, dialect: Dialect, history: list[dict[str, Any]]
) -> None:
    gateway.twins.reply_with(text_reply("Yes."))
    for streamed in (True, False):
        response = sent_to(gateway, dialect, history, tools=[tool()], stream=streamed)
        assert gateway.twins.refused == []
        assert read_response(response).text == "Yes."
        assert gateway.trace(response).status is Status.OK


@pytest.mark.parametrize("model", GENERIC.models[1:])
@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_a_template_that_wants_an_order_of_roles_gets_it(
    gateway: TwinGateway, history: list[dict[str, Any]], model: str
) -> None:
    gateway.twins.reply_with(text_reply("Yes."))
    assert read_response(sent_to(gateway, GENERIC, history, tools=[tool()], model=model)).text == "Yes."
    assert gateway.twins.refused == []


TAKEN_BY_ALL = {"half a character"}
"""JSON that the twins read leniently."""


@pytest.mark.parametrize("history", [pytest.param(h, id=n) for n, h in HISTORIES.items() if n not in TAKEN_BY_ALL])
def test_some_twin_refuses_the_history_as_it_is(history: list[dict[str, Any]]) -> None:
    refusals = []
    for dialect in OPENAI_SHAPED:
        for model in dialect.models:
            body = json.dumps({"model": model, "messages": history}).encode()
            key = {"authorization": f"Bearer {KEY}", "api-key": KEY}
            refusals.append(refuse(dialect, Request("POST", dialect.path, key, body, 1, 0.0), dialect.path))
    assert any(refusals)


ODD_NAMES = ("calendar.find-slot", "calendar_find-slot", "カレンダー", "カレンダ")


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_tool_is_called_by_the_callers_name(gateway: TwinGateway, dialect: Dialect, streamed: bool) -> None:
    for name in ODD_NAMES:

        def reply(body: dict[str, Any], name: str = name) -> Reply:
            defined = [found.get("function", found)["name"] for found in body["tools"]]
            assert len(set(defined)) == len(ODD_NAMES)
            choice = body["tool_choice"]
            chosen = choice["name"] if "name" in choice else choice["function"]["name"]
            assert chosen == defined[ODD_NAMES.index(name)]
            return Reply(tools=(ToolUse(chosen, "{}"),))

        gateway.twins.reply = reply
        history = [USER, calling("c1", name=name), result("c1"), AGAIN]
        choice = {"type": "function", "function": {"name": name}}
        tools = [tool(each) for each in ODD_NAMES]
        response = sent_to(gateway, dialect, history, tools=tools, tool_choice=choice, stream=streamed)
        assert gateway.twins.refused == []
        assert [call.name for call in read_response(response).tools] == [name]
        sent = json.loads(gateway.twins.requests[-1].body)
        if dialect is not ANTHROPIC_NATIVE:
            (called,) = next(message["tool_calls"] for message in sent["messages"] if message.get("tool_calls"))
            assert called["function"]["name"] == sent["tool_choice"]["function"]["name"]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_functions_are_sent_as_tools_or_kept(gateway: TwinGateway, dialect: Dialect) -> None:
    gateway.twins.reply_with(text_reply("Yes."))
    functions: list[Any] = [tool()["function"]]
    response = sent_to(gateway, dialect, [USER, *LEGACY, AGAIN], functions=functions, function_call="auto")
    assert gateway.twins.refused == []
    assert response.status_code == 200
    sent = json.loads(gateway.twins.requests[-1].body)
    assert ("tools" in sent) is not ("functions" in sent)
    words = json.dumps(sent["messages"])
    assert ('"function_call"' in words) is ("functions" in sent)
    assert "look_up" in words
    assert "yes" in words


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("dialect", [d for d in DIALECTS if d.name in {"anthropic", "google", "groq"}])
def test_a_caller_of_functions_gets_a_function_call(gateway: TwinGateway, dialect: Dialect, streamed: bool) -> None:
    gateway.twins.reply = lambda body: Reply(
        tools=(ToolUse(body["tools"][0].get("function", body["tools"][0])["name"], '{"day": 1}'),)
    )
    response = sent_to(gateway, dialect, [USER], functions=[tool("look up")["function"]], stream=streamed)
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: {")]
    choices = [choice for line in (lines if streamed else [response.text]) for choice in json.loads(line)["choices"]]
    parts = [choice["delta" if streamed else "message"] for choice in choices]
    calls = [part["function_call"] for part in parts if part.get("function_call")]
    assert "".join(call.get("name") or "" for call in calls) == "look up"
    assert json.loads("".join(call.get("arguments") or "" for call in calls)) == {"day": 1}
    assert not any("tool_calls" in part for part in parts)
    assert [choice["finish_reason"] for choice in choices][-1] in {"function_call", dialect.tool_finish}


@pytest.mark.parametrize("dialect", [d for d in DIALECTS if d.name in {"anthropic", "openai", "groq", "cloudflare"}])
def test_an_image_that_cannot_be_sent_is_refused_in_the_last_turn(gateway: TwinGateway, dialect: Dialect) -> None:
    response = sent_to(
        gateway, dialect, [USER, ANSWER, image("data:image/svg+xml;base64,AAAA"), calling("c1"), result("c1")]
    )
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, "body_malformed", "messages.2.content.1")
    assert "`messages.2.content.1` cannot be sent" in error["message"]
    assert gateway.twins.requests == []


def test_another_target_is_asked_where_the_first_does_not_take_a_part(gateway: TwinGateway) -> None:
    gateway.twins.reply_with(text_reply("A cat."))
    headers = headers_for("https://api.deepseek.com", x_inference_fallback="openai/gpt-4.1", x_inference_key_openai=KEY)
    body = {"model": "deepseek-chat", "messages": [image("https://a.test/b.png")]}
    response = gateway.client.post("/v1/chat/completions", json=body, headers=headers)
    assert read_response(response).text == "A cat."
    assert gateway.trace(response).provider == "openai"
    assert any("it does not take messages.0.content.1" in note for note in gateway.trace(response).notes)


@pytest.mark.parametrize(
    "url",
    [
        "data:image/jpg;base64,AAAA",
        "data:IMAGE/JPEG;base64,AAAA",
        "data:image/jpeg;charset=utf-8;base64,AAAA",
        "DATA:image/pjpeg;name=a.jpg;BASE64,AAAA",
    ],
)
def test_an_image_is_sent_under_its_registered_type(gateway: TwinGateway, url: str) -> None:
    gateway.twins.reply_with(text_reply("A cat."))
    for dialect in DIALECTS:
        if dialect.name not in {"cloudflare", "deepseek"}:
            gateway.twins.clear()
            assert read_response(sent_to(gateway, dialect, [image(url)])).text == "A cat."
            assert gateway.twins.refused == []
            sent = gateway.twins.requests[-1].body.decode()
            assert "data:image/jpeg;base64,AAAA" in sent or '"media_type":"image/jpeg","data":"AAAA"' in sent
