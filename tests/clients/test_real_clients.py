"""Clients that voice agents are built with, pointed at the running gateway and otherwise as they come.

Each client's script plays every scenario in one process; `testkit.client_provider` answers behind the gateway.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import IO, Any

import pytest

from testkit.client_answers import read_bodies
from testkit.client_process import ClientRun, run_client
from testkit.client_provider import (
    BEGINNING,
    BOOKING,
    CALLS,
    TEXT,
    WEATHER,
    address_without_server,
    arrived,
    respond,
)
from testkit.local_system import CALL_S, LocalSystem, local_system
from testkit.missing import missing
from testkit.real_clients import CLIENTS, Client, Told
from testkit.twins import anthropic
from testkit.upstream import ScriptedUpstream

pytestmark = pytest.mark.clients

LEFT_WITHIN_S = 1.0

type Answer = Callable[[], dict[str, Any]]


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    """The provider behind the gateway."""
    with ScriptedUpstream(respond=respond) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(provider: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    """What `make run` starts, before that provider and one that is down."""
    with address_without_server() as down:
        own = {
            "PRIVATE_PROVIDER_HOSTS": f"{provider.host},{down}",
            "PROVIDER_BASE_URLS": f"openai={provider.base_url},anthropic={provider.base_url},groq=http://{down}/v1",
            "KEYLESS_PROVIDERS": "openai,groq",
            "ANTHROPIC_API_KEY": anthropic.KEY,
        }
        with local_system(tmp_path_factory.mktemp("switchboard"), own) as running:
            yield running


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    """One client after the other."""
    found: Client = request.param
    if (lack := found.missing()) is not None:
        missing(lack)
    return found


@pytest.fixture(scope="module")
def run(client: Client, gateway: LocalSystem, provider: ScriptedUpstream) -> ClientRun:
    """Every scenario, played by the client."""
    earlier = len(provider.requests)

    def on_line(line: dict[str, Any], script_input: IO[bytes]) -> None:
        scenario = line["scenario"]
        if "left_at" in line:
            line["provider_left_after_s"] = asyncio.run(_left_after_s(provider, scenario, earlier, line["left_at"]))
        if scenario == "cut":  # the next call is `cancel_early`: its client leaves when the provider has the request
            with suppress(TimeoutError):
                asyncio.run(arrived(provider, "cancel_early", earlier))
            script_input.write(b"\n")
            script_input.flush()
        if scenario == "cancel":  # only now, since a process that ends closes its connections
            script_input.close()

    own = {"GATEWAY_URL": gateway.base_url, "GATEWAY_KEY": gateway.key, "CLIENT": client.name}
    run = run_client(client.command, {**own, **client.environment}, on_line)
    return run if client.has_api else replace(run, lines=read_bodies(run.lines))


async def _left_after_s(provider: ScriptedUpstream, scenario: str, earlier: int, left_at: float) -> float | None:
    """The seconds from a client's leaving, by the wall clock, to the end of the provider's connection."""
    try:
        request = await arrived(provider, scenario, earlier)
        return await request.left() - (left_at - (time.time() - time.monotonic()))
    except TimeoutError:
        return None


@pytest.fixture
def answer(client: Client, run: ClientRun, request: pytest.FixtureRequest) -> Answer:
    """What the client made of the scenario that the test names."""
    scenario = request.param
    if reason := client.fails.get(scenario) or client.may_fail.get(scenario):
        request.applymarker(pytest.mark.xfail(strict=scenario in client.fails, reason=reason))
    return lambda: run.answer(scenario)


def kept(gateway: LocalSystem, client: Client, scenario: str, count: int = 1) -> list[dict[str, Any]]:
    """The traces of a scenario's calls, once there are that many and every call is over."""
    deadline = time.monotonic() + CALL_S
    while True:
        traces = gateway.traces(task_id=f"{client.name}-{scenario}")
        if len(traces) >= count and all(trace["status"] != "open" for trace in traces):
            return traces
        assert time.monotonic() < deadline, f"{scenario} has {len(traces)} traces, not {count} finished ones"
        time.sleep(0.01)


def attempts(trace: dict[str, Any]) -> list[tuple[str, str]]:
    """Each attempt's provider and outcome."""
    return [(attempt["provider"], attempt["outcome"]) for attempt in trace["attempts"]]


def told(answer: dict[str, Any]) -> Told:
    """What the client told of an error."""
    return answer["error"], answer["status"], answer["code"]


@pytest.mark.parametrize("answer", ["text"], indirect=True)
def test_it_streams_text(client: Client, gateway: LocalSystem, answer: Answer) -> None:
    streamed = answer()
    assert (streamed["text"], streamed["error"]) == (TEXT, None)
    (trace,) = kept(gateway, client, "text")
    assert (trace["status"], attempts(trace)) == ("ok", [("openai", "ok")])
    assert (trace["usage"]["fresh_input"], trace["usage"]["output"], trace["usage"]["source"]) == (12, 7, "provider")


@pytest.mark.parametrize("answer", ["tools", "claude"], indirect=True)
def test_it_makes_two_parallel_calls_and_gets_the_answer_to_their_results(
    client: Client, gateway: LocalSystem, answer: Answer, request: pytest.FixtureRequest
) -> None:
    scenario = request.node.callspec.params["answer"]
    acted = answer()
    assert acted["calls"] == CALLS
    assert acted["text"].replace('"', "") == "; ".join(WEATHER)  # Pipecat writes results as JSON
    assert [trace["status"] for trace in kept(gateway, client, scenario, count=2)] == ["ok", "ok"]


@pytest.mark.parametrize("answer", ["structured"], indirect=True)
def test_its_schema_arrives_and_the_answer_follows_it(client: Client, gateway: LocalSystem, answer: Answer) -> None:
    assert answer()["value"] == BOOKING
    assert [trace["status"] for trace in kept(gateway, client, "structured")] == ["ok"]


@pytest.mark.parametrize("answer", ["wrong_key"], indirect=True)
def test_a_wrong_key_is_its_authentication_error(client: Client, gateway: LocalSystem, answer: Answer) -> None:
    refused = answer()
    assert (refused["text"], told(refused)) == ("", client.wrong_key)
    assert "The gateway does not know the key" in refused["message"]
    assert gateway.traces(task_id=f"{client.name}-wrong_key") == []


@pytest.mark.parametrize("answer", ["down"], indirect=True)
def test_a_provider_that_is_down_is_its_server_error(client: Client, gateway: LocalSystem, answer: Answer) -> None:
    refused = answer()
    assert (refused["text"], told(refused)) == ("", client.down)
    assert "No target answered. groq (127.0.0.1, " in refused["message"]
    for trace in kept(gateway, client, "down"):  # some clients repeat the call
        assert (trace["status"], set(attempts(trace))) == ("upstream_error", {("groq", "ConnectFailed")})


@pytest.mark.parametrize("answer", ["cut"], indirect=True)
def test_an_answer_that_is_cut_keeps_its_text_and_ends_in_an_error(
    client: Client, gateway: LocalSystem, answer: Answer
) -> None:
    broken = answer()
    assert (broken["text"], told(broken)) == (BEGINNING, client.cut)
    assert "the answer was cut off" in broken["message"]
    (trace,) = kept(gateway, client, "cut")
    assert (trace["status"], attempts(trace)) == ("truncated", [("openai", "UpstreamCut")])


@pytest.mark.parametrize("answer", ["cancel_early", "cancel"], indirect=True)
def test_a_client_that_leaves_closes_the_provider_s_connection_soon(
    client: Client, gateway: LocalSystem, answer: Answer, request: pytest.FixtureRequest
) -> None:
    scenario = request.node.callspec.params["answer"]
    left = answer()
    assert left["text"] == (BEGINNING if scenario == "cancel" else "")
    assert left["provider_left_after_s"] is not None
    assert left["provider_left_after_s"] < LEFT_WITHIN_S
    (trace,) = kept(gateway, client, scenario)
    assert (trace["status"], attempts(trace)) == ("client_closed", [("openai", "client_closed")])
    assert trace["usage"]["source"] == "estimated"
    assert trace["usage"]["fresh_input"] > 0
