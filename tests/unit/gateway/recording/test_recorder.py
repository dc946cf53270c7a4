"""What is logged and written of a call, when, and for how long a reply waits for it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from gateway.domain.call import Target
from gateway.domain.clock import Clock
from gateway.domain.redaction_kinds import DEFAULT, redactor
from gateway.domain.reports import UpstreamRejected
from gateway.recording.journal import Journal
from gateway.recording.recorder import PROGRESS_S, Recorder
from gateway.recording.telemetry import Telemetry
from gateway.recording.traces import SHORT
from switchboard.domain.trace import Failure, Status, Trace
from switchboard.domain.usage import UsageSource
from switchboard.store.ports import StoreUnavailable
from switchboard.store.traces.trace_lines import from_line
from switchboard.stream.deltas import ChoiceDelta, Delta
from testkit.inline_executor import InlineExecutor
from testkit.memory_store import MemoryStore
from testkit.planning import a_call
from testkit.samples import NOON
from testkit.virtual_time import run_in_virtual_time

TARGET = Target("groq", "https://api.groq.com/openai/v1/chat/completions", "api.groq.com", "llama", 4000)
LAMBDA_MS = 300_000
CARD = "4111 1111 1111 1111"
MESSAGES = ({"role": "system", "content": "You are Anna."}, {"role": "user", "content": "A table?"})
MALFORMED = Failure("body_malformed", "The body is no JSON.", 400)


class Lines:
    """A log that keeps events with their fields, and the store's events between them."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.events: list[str] = []
        self.fields: dict[str, Mapping[str, Any]] = {}
        self.is_broken = False

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Keep the line, after what was written before it."""
        if self.is_broken:
            raise OSError("No space left on device")
        self.events.append(f"{msg} {len(self.store.events)}")
        self.fields[str(msg)] = extra

    warning = error = exception = info


class Bench:
    """A recorder with a store in memory."""

    def __init__(self, remaining_ms: int | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.clock = Clock(lambda: NOON, loop.time)
        self.store, self.executor = MemoryStore(), InlineExecutor()
        self.log = Lines(self.store)
        telemetry = Telemetry(self.log, lambda _values, _dimensions: None)
        self.recorder = Recorder(
            self.store, telemetry, self.clock, Random(1), redactor=redactor(DEFAULT, {}), writers=self.executor
        )
        call = a_call(remaining_ms=remaining_ms)
        call = replace(call, chat=replace(call.chat, messages=MESSAGES))
        self.journal = Journal(replace(call, arrival=replace(call.arrival, moment=loop.time())), self.clock)
        self.attempt = self.journal.start_attempt(TARGET)
        self.journal.request_ready(self.attempt)
        self.attempt.request_sent()

    @property
    def trace(self) -> Trace:
        """The only row."""
        (trace,) = self.store.traces.values()
        return trace

    def hear(self, text: str) -> None:
        """A chunk of the answer."""
        self.attempt.transcript.add(Delta((ChoiceDelta(0, text=text),)))

    async def end(self) -> float:
        """The reply is out. Returns how long it waited for its record, in seconds."""
        self.journal.answering = self.attempt
        self.attempt.ended("ok")
        self.journal.ended(Status.OK)
        self.journal.duration_ms = self.journal.elapsed_ms()
        began = asyncio.get_running_loop().time()
        await self.recorder.kept(self.recorder.completed(self.journal), self.journal.call.arrival)
        return asyncio.get_running_loop().time() - began


def test_the_line_of_a_finished_call_comes_before_its_trace() -> None:
    async def scenario() -> Bench:
        bench = Bench()
        bench.recorder.opened(bench.journal)
        await asyncio.sleep(0.1)
        await bench.end()
        return bench

    bench = run_in_virtual_time(scenario())
    assert bench.log.events == ["call.opened 0", "call.completed 1"]
    assert [event for event, _ in bench.store.events] == ["open_trace", "complete_trace"]
    assert bench.trace.status is Status.OK
    assert bench.trace.has_bodies
    assert bench.trace.excerpt == "A table?"
    assert "A table?" not in repr(bench.log.fields)


def test_a_long_call_notes_what_it_has_produced_every_ten_seconds() -> None:
    async def scenario() -> list[int]:
        bench, outputs = Bench(), []  # type: tuple[Bench, list[int]]
        bench.recorder.opened(bench.journal)
        for second in range(35):
            bench.hear("x" * 40)
            await asyncio.sleep(1)
            if second % 10 == 9:
                await asyncio.sleep(0)  # the timer's own turn, at the same moment
                assert bench.trace.status is Status.OPEN
                assert bench.trace.usage.source is UsageSource.ESTIMATED
                assert bench.trace.usage.tokens is not None
                outputs.append(bench.trace.usage.tokens.output)
        await bench.end()
        await asyncio.sleep(3 * PROGRESS_S)
        assert [event for event, _ in bench.store.events] == ["open_trace"] * 4 + ["complete_trace"]
        return outputs

    assert run_in_virtual_time(scenario()) == [100, 200, 300]


def test_a_call_of_four_seconds_writes_two_rows_and_no_more() -> None:
    async def scenario() -> Bench:
        bench = Bench()
        bench.recorder.opened(bench.journal)
        await asyncio.sleep(4)
        await bench.end()
        await asyncio.sleep(60)
        return bench

    assert [event for event, _ in run_in_virtual_time(scenario()).store.events] == ["open_trace", "complete_trace"]


def test_on_lambda_the_time_after_the_reply_is_bounded_and_the_row_is_logged() -> None:
    async def scenario() -> Bench:
        bench = Bench(LAMBDA_MS)
        bench.executor.hangs = True
        bench.recorder.opened(bench.journal)
        bench.hear("Hello")
        await asyncio.sleep(1)
        assert 2.5 < await bench.end() < 3
        return bench

    bench = run_in_virtual_time(scenario())
    assert [event.split()[0] for event in bench.log.events] == ["call.opened", "call.completed", "trace.unwritten"]
    line = bench.log.fields["trace.unwritten"]
    assert (line["what"], line["cut"]) == ("completed", None)
    restored = from_line(line["row"])
    assert (restored.trace_id, restored.status, restored.usage.source) == ("t", Status.OK, UsageSource.ESTIMATED)
    assert (restored.excerpt, restored.prompt_characters, len(restored.prompt_version or "")) == ("A table?", 13, 12)


def test_on_lambda_the_functions_own_end_comes_first() -> None:
    async def scenario() -> float:
        bench = Bench(2500)
        bench.executor.hangs = True
        bench.recorder.opened(bench.journal)
        await asyncio.sleep(1)
        return await bench.end()

    assert run_in_virtual_time(scenario()) == pytest.approx(1.3, abs=0.01)


def test_on_lambda_a_failed_write_is_repeated_in_the_time_there_is() -> None:
    async def scenario() -> Bench:
        bench = Bench(LAMBDA_MS)
        bench.store.fail_with(StoreUnavailable("away"))
        bench.recorder.opened(bench.journal)
        asyncio.get_running_loop().call_later(1.5, bench.store.fail_with, None)
        await bench.end()
        return bench

    bench = run_in_virtual_time(scenario())
    assert bench.trace.status is Status.OK
    assert "trace.unwritten" not in bench.log.fields


def test_elsewhere_a_reply_waits_for_a_second_and_the_record_for_as_long_as_it_takes() -> None:
    async def scenario() -> Bench:
        bench = Bench()
        bench.store.fail_with(StoreUnavailable("away"))
        assert await bench.end() == pytest.approx(1, abs=0.01)
        assert bench.recorder.waiting == 1
        await asyncio.sleep(120)
        bench.store.fail_with(None)
        assert await bench.recorder.drain(until_s=10, progress=lambda _waiting: None) == 0
        return bench

    bench = run_in_virtual_time(scenario())
    assert bench.trace.status is Status.OK
    assert "trace.unwritten" not in bench.log.fields


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("our fault"), OSError("disk")])
def test_whatever_the_store_raises_there_are_both_lines(error: Exception) -> None:
    async def scenario() -> Bench:
        bench = Bench(LAMBDA_MS)
        bench.store.fail_with(error)
        bench.recorder.opened(bench.journal)
        await bench.end()
        return bench

    log = run_in_virtual_time(scenario()).log
    assert [event.split()[0] for event in log.events] == ["call.opened", "call.completed", "trace.unwritten"]
    assert "Traceback" not in str(log.fields["trace.unwritten"]["reason"])


@pytest.mark.parametrize("broken", ["usage", "messages"])
def test_a_call_whose_record_cannot_be_made_whole_is_recorded_in_short(broken: str) -> None:
    class Broken(dict[str, object]):
        def __getitem__(self, name: str) -> object:
            raise RuntimeError(name)

        get = __getitem__  # type: ignore[assignment]

    async def scenario() -> Bench:
        bench = Bench()
        bench.recorder.opened(bench.journal)
        if broken == "usage":
            bench.attempt.transcript.usage = Broken(prompt_tokens=1)
        else:
            call = bench.journal.call
            bench.journal.call = replace(call, chat=replace(call.chat, messages=(Broken(role="system"),)))
        await bench.end()
        return bench

    bench = run_in_virtual_time(scenario())
    assert [event.split()[0] for event in bench.log.events] == ["call.opened", "gateway.failed", "call.completed"]
    assert (bench.trace.status, bench.trace.notes) == (Status.OK, (SHORT,))


def test_a_log_that_cannot_be_written_costs_no_trace() -> None:
    async def scenario() -> Bench:
        bench = Bench()
        bench.log.is_broken = True
        bench.recorder.opened(bench.journal)
        await bench.end()
        return bench

    assert run_in_virtual_time(scenario()).trace.status is Status.OK


def test_a_refused_request_is_recorded_by_the_same_rules() -> None:
    async def scenario(error: Exception | None) -> Bench:
        bench = Bench(LAMBDA_MS)
        bench.store.fail_with(error)
        call = bench.journal.call
        await bench.recorder.refused("t", call.arrival, call.caller, call.labels, MALFORMED)
        return bench

    kept = run_in_virtual_time(scenario(None))
    assert (kept.trace.status, kept.store.bodies) == (Status.REFUSED, {})
    away = run_in_virtual_time(scenario(StoreUnavailable("away")))
    assert [event.split()[0] for event in away.log.events] == ["call.completed", "trace.unwritten"]


def test_bodies_and_errors_are_redacted_in_rows_and_lines_and_metadata_is_not() -> None:
    async def scenario(error: Exception | None = None) -> Bench:
        bench = Bench()
        bench.store.fail_with(error)
        labels = replace(bench.journal.call.labels, metadata={"caller-id": CARD})
        bench.journal.call = replace(bench.journal.call, body=f'{{"a": "{CARD}"}}'.encode(), labels=labels)
        bench.attempt.failed(UpstreamRejected(TARGET, 400, f"no such card: {CARD}"))
        bench.recorder.opened(bench.journal)
        bench.journal.ended(Status.UPSTREAM_ERROR, Failure("upstream_rejected", f"It said: {CARD}", 502))
        bench.recorder.completed(bench.journal)
        await bench.recorder.drain(until_s=1, progress=lambda _waiting: None)
        return bench

    written = run_in_virtual_time(scenario())
    assert written.trace.redacted == {"card": 3}
    assert written.trace.metadata == {"caller-id": CARD}
    assert CARD not in repr(replace(written.trace, metadata={})) + repr(written.store.bodies) + repr(written.log.fields)
    lost = run_in_virtual_time(scenario(StoreUnavailable("away"))).log.fields["trace.unwritten"]["row"]
    assert lost["redacted"] == {"card": 3}
    assert CARD not in repr(lost | {"metadata": None})
