"""Refusals that name a field of the gateway's own making: the request is sent once more, without it."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.clock import Clock
from switchboard.domain.trace import Status
from testkit.openai_events import DONE, chunk, completion, finish, usage
from testkit.running_gateway import RunningGateway, chat, running_gateway
from testkit.upstream import Answer, Request, ScriptedUpstream, json_answer

ONE_ATTEMPT = {"max_attempts": 1, "plan_timeout_ms": 3000}


@dataclass(slots=True)
class StrictServer:
    """Refuses the first of these fields that a request has; `errors` writes its error."""

    fields: tuple[str, ...] = ("stream_options",)
    status: int = 400
    error: Callable[[str], object] = lambda name: {"error": {"message": f"Unknown parameter: '{name}'.", "param": name}}
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        """The refusal, or an answer."""
        self.bodies.append(request.json)
        refused = next((name for name in self.fields if name in request.json), None)
        if refused is not None:
            return json_answer(self.error(refused), self.status)
        if not request.json.get("stream"):
            return json_answer(completion("Hello"))
        return Answer([chunk("Hello"), finish(), usage(3, 2), DONE])


@dataclass(slots=True)
class Hand:
    """A clock that the test moves on; between, it runs as usual."""

    seconds: float = 0.0

    def clock(self) -> Clock:
        """The clock."""
        usual = Clock()
        return Clock(lambda: datetime.now(UTC) + timedelta(seconds=self.seconds), usual.monotonic)


@pytest.fixture
def server() -> StrictServer:
    return StrictServer()


@pytest.fixture
def upstream(server: StrictServer) -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(respond=server) as scripted:
        yield scripted


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
async def gateway(upstream: ScriptedUpstream, hand: Hand) -> AsyncIterator[RunningGateway]:
    async with running_gateway(
        upstream.host, policy=ONE_ATTEMPT, retry_budget_percent="0", clock=hand.clock()
    ) as running:
        yield running


def at(upstream: ScriptedUpstream, provider: str = "generic", url: str = "") -> dict[str, str]:
    """The headers of a call to that upstream, which has that provider's dialect."""
    return {
        "x_inference_provider": provider,
        "x_inference_provider_url": url or upstream.base_url,
        "x_inference_provider_api_key": "sk-upstream",
    }


ERRORS: dict[str, Callable[[str], object]] = {
    "openai": lambda name: {"error": {"message": f"Unknown parameter: '{name}'.", "param": name}},
    "azure": lambda name: {"error": {"message": f"Unrecognized request argument supplied: {name}", "code": None}},
    "google": lambda name: [{"error": {"message": f'Invalid JSON payload. Unknown name "{name}": Cannot find field.'}}],
    "pydantic": lambda name: {"detail": [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs"}]},
    "mistral": lambda name: {"object": "error", "message": {"detail": [{"loc": ["body", name], "msg": "extra"}]}},
    "a sentence": lambda name: {"error": f"{name.replace('_', ' ')} is not supported by this model"},
    "a list": lambda name: {"errors": [{"code": 5006, "message": f"Bad input: Error: {name} was unexpected"}]},
}


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
async def test_a_refused_field_that_was_added_is_left_out(
    gateway: RunningGateway,
    upstream: ScriptedUpstream,
    server: StrictServer,
    error: Callable[[str], object],
    status: int,
) -> None:
    server.error, server.status = error, status
    response = await gateway.call(**at(upstream))
    assert response.status_code == 200
    assert b"Hello" in response.content
    assert ["stream_options" in body for body in server.bodies] == [True, False]
    trace = await gateway.trace()
    assert trace.status is Status.OK
    assert len(trace.attempts) == 1
    assert "left out stream_options: the provider has refused it" in trace.notes
    assert trace.usage is not None


async def test_a_refusal_is_remembered_for_an_hour(
    gateway: RunningGateway, upstream: ScriptedUpstream, server: StrictServer, hand: Hand
) -> None:
    for _ in range(2):
        await gateway.call(**at(upstream))
    assert ["stream_options" in body for body in server.bodies] == [True, False, False]
    await gateway.call(chat(model="another"), **at(upstream))
    assert "stream_options" in server.bodies[3]
    hand.seconds = 3601
    await gateway.call(**at(upstream))
    assert ["stream_options" in body for body in server.bodies[5:]] == [True, False]


async def test_a_renamed_field_goes_back_under_the_callers_name(
    gateway: RunningGateway, upstream: ScriptedUpstream, server: StrictServer
) -> None:
    server.fields = ("max_completion_tokens",)
    await gateway.call(chat(model="gpt-5", max_tokens=100), **at(upstream, "openai"))
    assert server.bodies[0]["max_completion_tokens"] == 100
    assert server.bodies[1]["max_tokens"] == 100
    assert "max_completion_tokens" not in server.bodies[1]
    notes = (await gateway.trace()).notes
    assert "sent max_tokens as max_completion_tokens" not in notes
    assert "sent max_tokens as the caller did: the provider has refused max_completion_tokens" in notes


async def test_a_renamed_field_of_a_wrong_value_stays(
    gateway: RunningGateway, upstream: ScriptedUpstream, server: StrictServer
) -> None:
    server.fields = ("max_completion_tokens",)
    server.error = lambda name: {"error": {"message": f"{name} is too large: 9. This model supports at most 8."}}
    await gateway.call(chat(model="gpt-5", max_tokens=9), **at(upstream, "openai"))
    assert len(server.bodies) == 1


async def test_a_model_that_wants_the_new_name_of_the_limit_gets_it(
    gateway: RunningGateway, upstream: ScriptedUpstream, server: StrictServer
) -> None:
    server.fields = ("max_tokens",)
    server.error = lambda name: {
        "error": {"message": f"'{name}' is not supported. Use 'max_completion_tokens' instead."}
    }
    await gateway.call(chat(model="my-deployment", max_tokens=9), **at(upstream))
    assert server.bodies[1]["max_completion_tokens"] == 9


@pytest.mark.parametrize("name", ["temperature", "seed", "metadata"])
async def test_a_refusal_of_the_callers_own_field_is_final(
    gateway: RunningGateway, upstream: ScriptedUpstream, server: StrictServer, name: str
) -> None:
    server.fields = (name,)
    response = await gateway.call(chat(**{name: 1}), **at(upstream))
    assert response.status_code == 400
    assert len(server.bodies) == 1


async def test_an_error_that_repeats_the_request_names_no_field(
    gateway: RunningGateway, upstream: ScriptedUpstream, server: StrictServer
) -> None:
    server.fields = ("model",)
    server.error = lambda _name: {"detail": [{"loc": ["body", "messages"], "msg": "bad", "input": server.bodies[-1]}]}
    assert (await gateway.call(**at(upstream))).status_code == 400
    assert len(server.bodies) == 1


async def test_a_second_refusal_is_final(
    gateway: RunningGateway, upstream: ScriptedUpstream, server: StrictServer
) -> None:
    server.fields = ("stream_options", "temperature")
    response = await gateway.call(chat(temperature=1), **at(upstream))
    assert response.status_code == 400
    assert "temperature" in response.text
    assert len(server.bodies) == 2
    assert len((await gateway.trace()).attempts) == 1


async def test_the_callers_own_stream_options_come_back(
    gateway: RunningGateway, upstream: ScriptedUpstream, server: StrictServer
) -> None:
    own = {"include_obfuscation": False}
    server.error = lambda _name: {"error": {"message": "include_usage: extra inputs are not permitted"}}
    await gateway.call(chat(stream_options=own), **at(upstream))
    assert [body["stream_options"] for body in server.bodies] == [own | {"include_usage": True}, own]


@pytest.mark.parametrize(
    ("version", "data_sources", "is_asked"),
    [
        ("2024-06-01", None, False),
        ("2024-08-01-preview", None, False),
        ("2024-09-01-preview", None, True),
        ("2024-10-21", None, True),
        ("preview", None, True),
        ("2025-04-01-preview", [{"type": "azure_search"}], False),
    ],
)
async def test_azure_is_asked_for_usage_only_where_it_takes_that(
    gateway: RunningGateway,
    upstream: ScriptedUpstream,
    server: StrictServer,
    version: str,
    data_sources: object,
    is_asked: bool,
) -> None:
    server.fields = ()
    url = f"{upstream.base_url.removesuffix('/v1')}/openai/deployments/d?api-version={version}"
    given = {"data_sources": data_sources} if data_sources else {}
    await gateway.call(chat(**given), **at(upstream, "azure", url))
    assert [("stream_options" in body) for body in server.bodies] == [is_asked]


async def test_a_lost_reasoning_state_that_is_refused_is_sent_as_text(
    gateway: RunningGateway, upstream: ScriptedUpstream, server: StrictServer
) -> None:
    server.fields = ("tools",)
    call = {"id": "call_0", "type": "function", "function": {"name": "look_up", "arguments": '{"a":1}'}}
    history = [
        {"role": "user", "content": "Where?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_0", "content": "Here."},
    ]

    def refuse(request: Request) -> Answer:
        server.bodies.append(request.json)
        if any("tool_calls" in message for message in request.json["messages"]):
            text = "thinking is enabled but reasoning_content is missing in assistant tool call message at index 1"
            return json_answer({"error": {"message": text}}, 400)
        return Answer([chunk("Hello"), finish(), DONE])

    upstream._choose = refuse
    response = await gateway.call(chat(model="some-thinker", messages=history), **at(upstream))
    assert response.status_code == 200
    assert server.bodies[1]["messages"][1:] == [
        {"role": "assistant", "content": '[called look_up with {"a":1}]'},
        {"role": "user", "content": "[look_up returned: Here.]"},
    ]
    assert json.dumps(server.bodies[0]["messages"]) == json.dumps(history)
