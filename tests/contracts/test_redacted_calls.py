"""A call with card numbers, from the gateway to the answers of the console: what is kept of it, and what is told."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from console.assembly import build
from console.settings import Settings
from testkit.fuzz_bodies import serialised
from testkit.fuzz_checks import Asked, Heard, Said
from testkit.fuzz_gateway import FuzzedGateway, routed
from testkit.memory_store import MemoryStore
from testkit.openai_events import DONE, chunk, finish, role, usage
from testkit.samples import a_key as a_reading_key
from testkit.twins.gateway import GATEWAY_KEY, PROJECT, a_key

CARD = "4111 1111 1111 1111"
MASK = "[redacted: card]"
SPOKEN = [role(), chunk("Is it 4111 11"), *map(chunk, "11 1111 "), chunk("1111?"), finish(), usage(20, 7), DONE]
SYSTEM = "You may be told cards such as " + CARD + ". " + "Be kind. " * 200


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(a_key(GATEWAY_KEY), a_reading_key("sb-one", project=PROJECT))


@pytest.fixture
def gateway(store: MemoryStore) -> Iterator[FuzzedGateway]:
    running = FuzzedGateway(store=store)
    yield running
    running.close()


@pytest.fixture
def console(store: MemoryStore) -> Iterator[TestClient]:
    with TestClient(build(Settings("unused"), store), headers={"authorization": "Bearer sb-one"}) as client:
        yield client


def ask(gateway: FuzzedGateway, user: str, said: Said) -> Heard:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}]
    headers = routed("openai") | {"x-inference-metadata-caller-id": CARD.encode()}
    body = {"model": "m", "stream": True, "messages": messages}
    return gateway.call(Asked(serialised(body), tuple(headers.items())), said)


def test_the_caller_gets_the_answer_as_it_was_and_the_trace_has_no_card(
    gateway: FuzzedGateway, console: TestClient
) -> None:
    heard = ask(gateway, f"It is {CARD}.", Said(tuple(SPOKEN)))
    assert b"".join(map(chunk, "11 1111 ")) in heard.body
    path = f"/api/traces/{heard.header('x-inference-trace-id')}"
    shown = console.get(path).json()
    assert shown["response"]["choices"][0]["message"]["content"] == f"Is it {MASK}?"
    assert shown["request"]["messages"][1]["content"] == f"It is {MASK}."
    assert shown["request"]["messages"][0]["content"] == SYSTEM.replace(CARD, MASK)
    assert shown["excerpt"] == f"It is {MASK}."
    assert shown["metadata"]["caller-id"] == CARD
    assert shown["redacted"] == {"card": 3}
    for raw in (console.get(f"{path}/request"), console.get(f"{path}/response")):
        assert raw.headers["x-switchboard-redacted"] == "card=3"
        assert "1111" not in raw.text
    [line] = console.get("/api/exports?format=messages").text.splitlines()
    assert json.loads(line)["messages"][-1] == {"role": "assistant", "content": f"Is it {MASK}?"}


def test_a_call_without_anything_to_redact_says_so(gateway: FuzzedGateway, console: TestClient) -> None:
    heard = gateway.call(
        Asked(serialised({"model": "m", "stream": True, "messages": []}), tuple(routed("openai").items())),
        Said((chunk("a"), finish(), usage(2, 1), DONE)),
    )
    path = f"/api/traces/{heard.header('x-inference-trace-id')}"
    assert console.get(path).json()["redacted"] == {}
    assert "x-switchboard-redacted" not in console.get(f"{path}/request").headers
