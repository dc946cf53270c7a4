"""Under load, with a bad store: each answer that was heard whole has a finished trace, or a line that restores it."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Lock

import httpx
import pytest

from switchboard.domain.trace import Status
from switchboard.store.traces.trace_lines import from_line
from testkit.local_system import END_S, LocalSystem, local_system
from testkit.openai_events import DONE, chunk, finish, usage
from testkit.upstream import Answer, End, Framing, Request, ScriptedUpstream
from testkit.watched_engine import WatchedEngine

EVERY_S = 0.03
INTERNAL = {"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "a scripted fault"}

type Act = Callable[["Soak", LocalSystem], None]


class FaultyEngine:
    """A proxy before the engine: `share` of the requests get a 500; while `is_away`, connections are reset."""

    def __init__(self, endpoint: str) -> None:
        self.share, self.is_away = 0.0, False
        self._engine = WatchedEngine(endpoint)
        self._random, self._lock = Random(5), Lock()

    def __call__(self, request: Request) -> Answer:
        with self._lock:
            is_failing = self._random.random() < self.share
        if self.is_away:
            return Answer(before_headers=[End.RESET])
        if is_failing:
            headers = {"content-type": "application/x-amz-json-1.0"}
            return Answer([json.dumps(INTERNAL).encode()], 500, headers, framing=Framing.LENGTH)
        return self._engine(request)


class Soak:
    """A local system under load. `heard`: the trace ids of the answers that came to their end."""

    def __init__(self, data_dir: Path, upstream: ScriptedUpstream, faults: FaultyEngine) -> None:
        self.data_dir, self.faults = data_dir, faults
        self._upstream = upstream
        self.heard: list[str] = []
        self.is_interrupted = False

    @contextmanager
    def system(self, **own: str) -> Iterator[LocalSystem]:
        """The system on the folder's data."""
        with local_system(self.data_dir, {"PRIVATE_PROVIDER_HOSTS": self._upstream.host, **own}) as system:
            yield system

    async def load(self, system: LocalSystem, acts: Mapping[int, Act]) -> None:
        """Call after call at an even pace, until ten after the last act. An act comes before the call of its number."""
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20, limits=limits) as client:
            calling = []
            for number in range(max(acts) + 10):
                if number in acts:
                    acts[number](self, system)
                calling.append(asyncio.create_task(self._call(client, system)))
                await asyncio.sleep(EVERY_S)
            await asyncio.gather(*calling)

    async def call(self, system: LocalSystem) -> None:
        """One call."""
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
            await self._call(client, system)

    async def _call(self, client: httpx.AsyncClient, system: LocalSystem) -> None:
        headers = {**system.headers, "x-inference-provider-url": self._upstream.base_url}
        body = {"model": "any", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        try:
            answer = await client.post(f"{system.base_url}/chat/completions", json=body, headers=headers)
        except httpx.HTTPError:
            return  # it was not heard to its end
        if answer.status_code == 200 and answer.content.endswith(DONE):
            self.heard.append(answer.headers["x-inference-trace-id"])

    def end(self, system: LocalSystem) -> None:
        """Ctrl-C, unless that was an act: a second one would not wait for calls."""
        if not self.is_interrupted:
            system.process.send_signal(signal.SIGINT)
        system.process.wait(END_S)

    def lost(self, system: LocalSystem) -> list[str]:
        """Those that were heard and are neither finished in the table nor in a line that restores them."""
        restorable = set(self._restorable())
        with httpx.Client(base_url=system.address, headers=system.headers, trust_env=False, verify=False) as client:
            answers = {trace_id: client.get(f"/api/traces/{trace_id}") for trace_id in self.heard}
        return [
            trace_id
            for trace_id, answer in answers.items()
            if not (answer.status_code == 200 and answer.json()["status"] == "ok") and trace_id not in restorable
        ]

    def _restorable(self) -> Iterator[str]:
        for path in self.data_dir.glob("gateway.log*"):
            for text in path.read_text(encoding="utf-8").splitlines():
                line = json.loads(text) if '"trace.unwritten"' in text else {}
                if line.get("what") == "completed":
                    trace = from_line(line["row"])
                    assert trace.status is Status.OK
                    yield trace.trace_id


def set_away(soak: Soak, _system: LocalSystem) -> None:
    soak.faults.is_away = True


def set_well(soak: Soak, _system: LocalSystem) -> None:
    soak.faults.is_away, soak.faults.share = False, 0.0


def fail_a_third(soak: Soak, _system: LocalSystem) -> None:
    soak.faults.share = 0.3


def interrupt(soak: Soak, system: LocalSystem) -> None:
    soak.is_interrupted = True
    system.process.send_signal(signal.SIGINT)


def kill_the_engine(soak: Soak, _system: LocalSystem) -> None:
    found = [path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline") if _is_engine(path, soak.data_dir)]
    assert found, "no engine runs on the folder"
    for pid in found:
        os.kill(int(pid), signal.SIGKILL)


def _is_engine(path: Path, data_dir: Path) -> bool:
    try:
        words = path.read_bytes()
    except OSError:
        return False
    return b"dynoxide" in words and str(data_dir).encode() in words


SCENARIOS: dict[str, dict[int, Act]] = {  # each ends with its last act
    "away for four seconds": {10: set_away, 10 + round(4 / EVERY_S): set_well},
    "a third of the requests fail": {0: fail_a_third, 90: set_well},
    "interrupted": {60: interrupt},
    "interrupted while it is away": {20: set_away, 60: interrupt},
}


@pytest.fixture
def soak(tmp_path: Path, dynamodb_endpoint: str) -> Iterator[Soak]:
    answer = Answer([chunk("Hel"), 0.05, chunk("lo"), finish(), usage(7, 2), DONE])
    with ScriptedUpstream(answer) as upstream:
        yield Soak(tmp_path, upstream, FaultyEngine(dynamodb_endpoint))


@pytest.mark.load
@pytest.mark.parametrize("acts", SCENARIOS.values(), ids=SCENARIOS.keys())
async def test_no_call_is_lost_with_a_bad_store(
    soak: Soak, acts: Mapping[int, Act], dynamodb_endpoint: str, table: str
) -> None:
    with ScriptedUpstream(respond=soak.faults) as engine:
        with soak.system(DYNAMODB_ENDPOINT=f"http://{engine.host}", TABLE_NAME=table) as system:
            await soak.load(system, acts)
            soak.end(system)
        assert len(soak.heard) > 30
        with soak.system(DYNAMODB_ENDPOINT=dynamodb_endpoint, TABLE_NAME=table) as again:
            assert soak.lost(again) == []


@pytest.mark.load
async def test_no_call_is_lost_where_the_engine_is_killed(soak: Soak) -> None:
    with soak.system() as system:
        await soak.load(system, {40: kill_the_engine})
        soak.end(system)
    assert len(soak.heard) > 30
    with soak.system() as again:
        assert soak.lost(again) == []


@pytest.mark.load
async def test_a_call_that_is_killed_after_ten_seconds_leaves_what_it_had_produced(soak: Soak, tmp_path: Path) -> None:
    words: list[bytes | float] = [step for number in range(60) for step in (chunk(f"word{number:02} "), 0.25)]
    with ScriptedUpstream(Answer([*words, finish(), DONE])) as upstream:
        soak = Soak(tmp_path, upstream, soak.faults)
        with soak.system() as system:
            calling = asyncio.create_task(soak.call(system))
            produced = await asyncio.to_thread(output_of, system)
            system.kill()
            await calling
        with soak.system() as again:
            [trace] = again.traces()
    assert (trace["status"], trace["usage"]["source"]) == ("open", "estimated")
    assert trace["usage"]["output"] == produced
    assert 50 < produced < 80  # 40 words of 7 characters in the first 10 seconds


def output_of(system: LocalSystem) -> int:
    """The output in the row of the only call, as soon as it has some."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        output: int = sum(trace["usage"]["output"] or 0 for trace in system.traces())
        if output:
            return output
        time.sleep(0.2)
    raise AssertionError("the row of the call has no output")
