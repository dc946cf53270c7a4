"""`events/`: what API Gateway, the table's stream and the schedule would send, through the functions' own doors."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mangum import Mangum
from starlette.applications import Starlette
from starlette.routing import Mount

from console import assembly as console
from console.settings import Settings as ConsoleSettings
from gateway import assembly as gateway
from gateway.recording.telemetry import Telemetry
from gateway.settings import Settings as GatewaySettings
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.domain.keys import PREFIX, GatewayKey, Scope, digest
from switchboard.store import keyspace
from switchboard.store.attributes import decode_item
from switchboard.store.traces import trace_items
from switchboard_local.demo import Pace, create_app
from switchboard_local.event_filter import EventFilter
from switchboard_local.schedule import SCHEDULED_EVENT
from testkit.containers import served
from testkit.memory_store import MemoryStore
from testkit.sam import EVENTS, EXAMPLE_KEY

type Template = dict[str, Any]
type Answer = dict[str, Any]
type Send = Callable[[str], Answer]

NAMES = sorted(path.stem for path in EVENTS.glob("*.json"))
OF_THE_AGGREGATOR = ["dynamodb-stream", "scheduled"]
OF_THE_API = [name for name in NAMES if name not in OF_THE_AGGREGATOR]
CONTAINER_TESTS = Path(__file__).parents[1] / "sam_local"
NOBODYS_KEY = "sb-local-example-key-that-nobody-made"


class Silent:
    """A log that drops its lines."""

    def info(self, msg: object, *, extra: object) -> None:
        """Drop the line."""

    warning = error = exception = info


def read(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


@pytest.fixture
def store() -> MemoryStore:
    """A store with the example key."""
    return MemoryStore(GatewayKey(digest(EXAMPLE_KEY), "example", frozenset(Scope), datetime.now(UTC)))


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop for Mangum, as in a sandbox."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def send(store: MemoryStore, loop: asyncio.AbstractEventLoop) -> Iterator[Send]:
    """Sends an event to its function."""
    demo = Starlette(routes=[Mount("/v1", create_app(Pace(first_word_s=0.0, words_per_s=10_000.0)))])
    with served(demo, "127.0.0.1") as port:
        upstream = HttpUpstream(PrivateHosts.parse(f"127.0.0.1:{port}"))
        settings = GatewaySettings(
            table_name="unused",
            private_provider_hosts=f"127.0.0.1:{port}",
            provider_base_urls=f"demo=http://127.0.0.1:{port}/v1",
            keyless_providers="demo",
        )
        telemetry = Telemetry(Silent(), lambda _metrics, _dimensions: None)
        outside = gateway.Dependencies(store, upstream, EnvironmentKeyring({}), telemetry)
        doors = {
            "/{proxy+}": Mangum(gateway.build(settings, outside), lifespan="off"),
            "/api/{proxy+}": Mangum(console.build(ConsoleSettings("unused"), store), lifespan="off"),
        }

        def send(name: str) -> Answer:
            event = read(name)
            answer: Answer = doors[event["resource"]](event, None)  # type: ignore[arg-type]
            return answer

        yield send
        loop.run_until_complete(upstream.aclose())


@pytest.mark.parametrize("name", OF_THE_API)
def test_an_event_is_consistent(name: str) -> None:
    event = read(name)
    context = event["requestContext"]

    assert {header: values[-1] for header, values in event["multiValueHeaders"].items()} == event["headers"]
    assert context["path"] == f"/{context['stage']}{event['path']}"
    assert event["path"] == event["resource"].replace("{proxy+}", event["pathParameters"]["proxy"])
    assert context["resourcePath"] == event["resource"]
    assert context["httpMethod"] == event["httpMethod"]
    query = event["multiValueQueryStringParameters"] or {}
    assert {name: values[-1] for name, values in query.items()} == (event["queryStringParameters"] or {})


def test_a_stream_record_is_consistent_and_matches_the_template(written: Template) -> None:
    records = read("dynamodb-stream")["Records"]
    table = written["Resources"]["Table"]["Properties"]

    for record in records:
        assert EventFilter.of_stream(written).admits(record)
        change = record["dynamodb"]
        trace = trace_items.from_item(decode_item(change["NewImage"]))
        place = keyspace.trace(trace.project, trace.trace_id)
        assert decode_item(change["Keys"]) == {"pk": place.pk, "sk": place.sk}
        assert {name: change["NewImage"][name] for name in ("pk", "sk")} == change["Keys"]
        assert change["StreamViewType"] == table["StreamSpecification"]["StreamViewType"]
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
    assert numbers == sorted(set(numbers))


def test_the_schedules_event_is_what_the_local_system_sends() -> None:
    assert read("scheduled").items() >= SCHEDULED_EVENT.items()


@pytest.mark.parametrize("name", NAMES)
def test_an_event_holds_no_key_but_the_example(name: str) -> None:
    words = (EVENTS / f"{name}.json").read_text().replace('"', " ").split()

    assert {word for word in words if word.startswith(PREFIX)} <= {EXAMPLE_KEY, NOBODYS_KEY}


@pytest.mark.parametrize("name", NAMES)
def test_every_event_runs_in_a_container_too(name: str) -> None:
    assert any(f'"{name}")' in tests.read_text() for tests in CONTAINER_TESTS.glob("test_*.py"))


@pytest.mark.parametrize(
    ("name", "status", "part"),
    [
        ("bad-body", 400, '"param": "messages"'),
        ("bad-key", 401, '"code": "key_unknown"'),
        ("chat", 200, "line works"),
        ("chat-streamed", 200, "data: [DONE]"),
        ("console-costs", 200, '"periods":[]'),
        ("console-policy", 200, '"text":"One moment"'),
        ("console-tasks", 200, '"tasks":[]'),
        ("console-traces", 200, '"traces":[]'),
        ("health", 200, '"ok"'),
        ("models", 200, '"demo/echo"'),
    ],
)
def test_an_event_gets_its_answer(send: Send, name: str, status: int, part: str) -> None:
    answer = send(name)

    assert answer["statusCode"] == status
    assert part in answer["body"]


def test_the_answers_above_are_to_all_events_of_the_api() -> None:
    marks = test_an_event_gets_its_answer.pytestmark  # type: ignore[attr-defined]

    assert [row[0] for row in marks[0].args[1]] == OF_THE_API


def test_the_console_event_asks_for_the_streamed_calls_task(send: Send) -> None:
    called = send("chat-streamed")

    traces = json.loads(send("console-traces")["body"])["traces"]

    assert [trace["trace_id"] for trace in traces] == [called["headers"]["x-inference-trace-id"]]
