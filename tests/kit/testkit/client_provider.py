"""The scripted providers of the tests with real clients: OpenAI's rules, Claude's twin, an answer for each scenario.

The text of the first user message is the scenario's name; `down` has no answer here: nobody listens at its provider.
"""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

from testkit.openai_events import DONE, chunk, completion, finish, role, tool_call, usage
from testkit.twins import anthropic
from testkit.twins.dialect import Json
from testkit.twins.openai_models import OPENAI
from testkit.twins.reply import Reply, ToolUse
from testkit.upstream import Answer, End, Request, ScriptedUpstream, json_answer

TEXT = "Grüß Gott, 世界 👋, wie geht es?"
TOOL = "get_weather"
CITIES = ("Graz", "Linz")
"""The provider asks for the weather in both, in two parallel calls."""

CALLS = [{"name": TOOL, "arguments": {"city": city}} for city in CITIES]
WEATHER = [f"21 degrees and sunny in {city}" for city in CITIES]
"""What the clients' tools answer."""

BOOKING = {"name": "Mira", "guests": 4}
BEGINNING = "One two "
"""What is sent of an answer that is cut or that the caller leaves."""


def respond(request: Request) -> Answer:
    """What OpenAI answers to the request, or, at the path of Anthropic's API, what Claude does."""
    if request.path == anthropic.PATH:
        return anthropic.AnthropicTwin(_claude).respond(request)
    body = request.json
    refusal = next((refusal for rule in OPENAI.rules if (refusal := rule(body)) is not None), None)
    if refusal is not None:
        return json_answer(OPENAI.error(refusal), refusal.status)
    return _ANSWERS[scenario_of(body)](body)


def scenario_of(body: Json) -> str:
    """The scenario that a request belongs to."""
    return text_of(next(message for message in body["messages"] if message["role"] == "user"))


async def arrived(provider: ScriptedUpstream, scenario: str, earlier: int) -> Request:
    """The scenario's first request after that many earlier ones. TimeoutError when no request comes in five seconds."""
    while True:
        earlier += 1
        request = await provider.request(earlier)
        if scenario_of(request.json) == scenario:
            return request


def text_of(message: Json) -> str:
    """A message's text, which clients send as a string or as a list of parts."""
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


@contextmanager
def address_without_server() -> Iterator[str]:
    """`127.0.0.1:port` where every connection is refused until the block ends."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def _text(body: Json) -> Answer:
    return _say(body, TEXT)


def _tools(body: Json) -> Answer:
    results = [text_of(message) for message in body["messages"] if message["role"] == "tool"]
    return _say(body, "; ".join(results)) if results else _call_the_tool(body)


def _claude(body: Json) -> Reply:
    _question, *history = body["messages"]
    if not history:
        calls = tuple(ToolUse(TOOL, json.dumps({"city": city})) for city in CITIES)
        return Reply(thoughts=("Two cities, ", "two calls."), tools=calls)
    blocks = [block for message in history for block in message["content"] if block["type"] == "tool_result"]
    return Reply(words=("; ".join(map(_text_of_result, blocks)),))


def _text_of_result(block: Json) -> str:
    content = block["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _structured(body: Json) -> Answer:
    return _say(body, json.dumps(BOOKING) if _has_schema(body) else "No schema was sent.")


def _begun(ending: End) -> Callable[[Json], Answer]:
    return lambda _body: Answer([role(), chunk("One "), chunk("two "), ending])


_ANSWERS: Mapping[str, Callable[[Json], Answer]] = {
    "text": _text,
    "tools": _tools,
    "structured": _structured,
    "cut": _begun(End.CLOSE),
    "cancel": _begun(End.HANG),
    "cancel_early": lambda _body: Answer([role(), End.HANG]),
}


def _say(body: Json, text: str) -> Answer:
    if not body.get("stream"):
        return json_answer(completion(text))
    words = [word + " " for word in text.split(" ")]
    words[-1] = words[-1].removesuffix(" ")
    return Answer([role(), *map(chunk, words), finish(), *_usage(body), DONE])


def _call_the_tool(body: Json) -> Answer:
    calls = [(number, f"call_{number}", json.dumps({"city": city})) for number, city in enumerate(CITIES)]
    if not body.get("stream"):
        whole = [
            {"id": call_id, "type": "function", "function": {"name": TOOL, "arguments": arguments}}
            for _number, call_id, arguments in calls
        ]
        return json_answer(completion(None, finish_reason="tool_calls", tool_calls=whole))
    parts = [
        part
        for number, call_id, arguments in calls
        for part in (
            tool_call("", name=TOOL, call_id=call_id, index=number),
            tool_call(arguments[:6], index=number),
            tool_call(arguments[6:], index=number),
        )
    ]
    return Answer([role(), *parts, finish("tool_calls"), *_usage(body), DONE])


def _usage(body: Json) -> list[bytes]:
    return [usage(12, 7)] if (body.get("stream_options") or {}).get("include_usage") else []


def _has_schema(body: Json) -> bool:
    asked = body.get("response_format") or {}
    return asked.get("type") == "json_schema" and set(asked["json_schema"]["schema"]["properties"]) == set(BOOKING)
