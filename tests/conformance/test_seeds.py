"""Documented set-ups with all of their headers (`events/seeds/`), through the function's entry point to the twins."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mangum import Mangum

from switchboard.domain.keys import PREFIX
from switchboard.domain.trace import Status, Trace
from switchboard.store.item_size import item_bytes
from switchboard.store.traces.trace_items import to_item
from testkit.sam import EVENTS, EXAMPLE_KEY
from testkit.twins.gateway import PROJECT, RedirectedUpstream, WatchedStore, a_key, twin_app
from testkit.twins.provider_twins import KEY, ProviderTwins
from testkit.twins.received import ReceivedAnswer, read_response
from testkit.twins.reply import Reply, ToolUse, text_reply
from testkit.upstream import ScriptedUpstream

type Event = dict[str, Any]

SEEDS = EVENTS / "seeds"
CLOUDFLARE = "https://api.cloudflare.com/client/v4/accounts/0a1b2c3d/ai/v1"
SENT_TO = {
    "anthropic-bare-host": ("anthropic", "https://api.anthropic.com/v1/chat/completions"),
    "cloudflare-deepseek-r1": ("cloudflare", f"{CLOUDFLARE}/chat/completions"),
    "groq-llama": ("groq", "https://api.groq.com/openai/v1/chat/completions"),
    "together-llama": ("together", "https://api.together.xyz/v1/chat/completions"),
}
SPOKEN = "Am Montag ist um neun etwas frei."
PROBE = {"messages": [{"role": "user", "content": "Hello"}]}


class EntryPoint:
    """The function's entry point in front of the twins."""

    def __init__(self, twins: ProviderTwins, upstream: RedirectedUpstream, store: WatchedStore) -> None:
        self.twins, self.upstream = twins, upstream
        self._store = store
        self._handler = Mangum(twin_app(store, upstream), lifespan="off")

    def answer(self, event: Event) -> tuple[ReceivedAnswer, Trace]:
        """The answer to an event, its provider key replaced by the twins', and its trace."""
        given = {name: value if name != "x-inference-provider-api-key" else KEY for name, value in headers(event)}
        event = event | {"headers": given, "multiValueHeaders": {name: [value] for name, value in given.items()}}
        answer: Any = self._handler(event, None)  # type: ignore[arg-type]
        response = httpx.Response(answer["statusCode"], headers=answer["headers"], content=answer["body"].encode())
        assert response.status_code == 200, response.text
        (trace,) = self._store.traces.values()
        assert trace.project == PROJECT
        return read_response(response), trace


def read(name: str) -> Event:
    event: Event = json.loads((SEEDS / f"{name}.json").read_text())
    return event


def headers(event: Event) -> list[tuple[str, str]]:
    return list(event["headers"].items())


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The loop that Mangum finds, as in a sandbox."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def entry_point(loop: asyncio.AbstractEventLoop) -> Iterator[EntryPoint]:
    """A new entry point."""
    twins = ProviderTwins()
    with ScriptedUpstream(respond=twins.respond) as server:
        upstream = RedirectedUpstream(server.host)
        yield EntryPoint(twins, upstream, WatchedStore(a_key(EXAMPLE_KEY)))
        loop.run_until_complete(upstream.aclose())


def test_every_seed_is_tested() -> None:
    assert {path.stem for path in SEEDS.iterdir()} == set(SENT_TO)


@pytest.mark.parametrize("name", SENT_TO)
def test_an_event_agrees_with_itself_and_holds_no_key_but_the_example(name: str) -> None:
    event = read(name)
    assert {header: values[-1] for header, values in event["multiValueHeaders"].items()} == event["headers"]
    words = Path(SEEDS / f"{name}.json").read_text().replace('"', " ").split()
    assert {word for word in words if word.startswith(PREFIX)} == {EXAMPLE_KEY}


@pytest.mark.parametrize("name", SENT_TO)
def test_a_set_up_is_answered(entry_point: EntryPoint, name: str) -> None:
    provider, url = SENT_TO[name]
    entry_point.twins.reply_with(Reply(text_reply(SPOKEN).words, thoughts=("The caller ", "wants Monday.")))
    received, trace = entry_point.answer(read(name))
    assert entry_point.twins.refused == []
    assert entry_point.upstream.urls == [url]
    assert (received.text.strip(), received.is_done) == (SPOKEN, True)
    assert (trace.status, trace.provider, trace.model) == (Status.OK, provider, json.loads(read(name)["body"])["model"])


@pytest.mark.parametrize("name", SENT_TO)
def test_a_set_ups_labels_are_stored(entry_point: EntryPoint, name: str) -> None:
    _, trace = entry_point.answer(read(name))
    assert (trace.environment, trace.task_id) == ("production", "voice-agent")
    sent = {header.removeprefix("x-inference-metadata-"): value for header, value in headers(read(name))}
    for key in ("agent-id", "conversation-id", "caller-id", "called-number", "call-sid", "call-duration-secs"):
        assert trace.metadata[key] == sent[key]
    assert item_bytes(to_item(trace, 1_800_000_000)) < 900  # its settlement adds 0.1 KB


@pytest.mark.parametrize("name", SENT_TO)
def test_a_set_up_calls_tools(entry_point: EntryPoint, name: str) -> None:
    entry_point.twins.reply_with(Reply(tools=(ToolUse("end_call", '{"reason": "goodbye"}'),)))
    received, _ = entry_point.answer(read(name))
    assert [call.name for call in received.tools] == ["end_call"]


@pytest.mark.parametrize("streamed", [{}, {"stream": False}, {"stream": True}])
@pytest.mark.parametrize("name", SENT_TO)
def test_a_set_up_passes_a_connection_test(entry_point: EntryPoint, name: str, streamed: dict[str, bool]) -> None:
    event = read(name)
    model = json.loads(event["body"])["model"]
    entry_point.twins.reply_with(text_reply("Hello!"))
    received, _ = entry_point.answer(event | {"body": json.dumps({"model": model} | PROBE | streamed)})
    assert received.text == "Hello!"
    assert entry_point.twins.refused == []
