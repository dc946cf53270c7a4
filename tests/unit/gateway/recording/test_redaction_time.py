"""The work of redaction grows no faster than what is kept: four times as much costs at most six times as much CPU."""

import gc
import json
import time
from collections import Counter
from collections.abc import Callable

import pytest

from gateway.domain.redaction_kinds import KINDS, redactor
from gateway.domain.secret import Scrubber
from gateway.recording.scrubbed_bodies import scrubbed_bodies
from switchboard.domain.trace import Bodies
from testkit.openai_events import chunk, event

pytestmark = pytest.mark.alone

CARD = "4111111111111111"
REDACTOR = redactor(tuple(KINDS), {"account": "ACC-[0-9]{8}"})
REQUESTS: dict[str, Callable[[int], object]] = {
    "digits": lambda count: "4 " * count,
    "cards": lambda count: f"{CARD}, " * (count // 10),
    "cards in a list": lambda count: [int(CARD)] * (count // 10),
    "escapes": lambda count: "é" * count + CARD,
    "escapes within escapes": lambda count: json.dumps(json.dumps('"' * count)) + CARD,
    "beginnings of keys": lambda count: "sk-eyJ-----BEGIN PRIVATE KEY-----" * (count // 30),
    "one long name": lambda count: "eyJ" + "a" * count,
    "at signs": lambda count: "a@" * count,
    "names of countries": lambda count: "DE12 ABCD " * (count // 10),
    "pluses": lambda count: "+1 (2) " * (count // 5),
}
STREAMS: dict[str, Callable[[int], list[bytes]]] = {
    "a card in letters": lambda count: [chunk(CARD[number % len(CARD)]) for number in range(count)],
    "frames that alternate": lambda count: [
        event({"choices": [{"index": number % 7, "delta": {"content": f"{number} "}}]}) for number in range(count)
    ],
    "another id in every event": lambda count: [
        event({"id": str(number), "choices": [{"index": 0, "delta": {"content": "1"}}]}) for number in range(count)
    ],
}


def cpu_s(bodies: Bodies) -> float:
    times = []
    gc.disable()
    try:
        for _ in range(5):
            began = time.process_time()
            scrubbed_bodies(bodies, Scrubber(), REDACTOR, Counter())
            times.append(time.process_time() - began)
    finally:
        gc.enable()
    return min(times)


@pytest.mark.parametrize("said", REQUESTS.values(), ids=REQUESTS.keys())
def test_the_work_grows_with_the_request(said: Callable[[int], object]) -> None:
    short, long = (Bodies(json.dumps({"a": said(count)}).encode(), None) for count in (10_000, 40_000))
    assert cpu_s(long) <= 6 * cpu_s(short)


@pytest.mark.parametrize("said", STREAMS.values(), ids=STREAMS.keys())
def test_the_work_grows_with_the_stream(said: Callable[[int], list[bytes]]) -> None:
    short, long = (Bodies(None, b"".join(said(count))) for count in (250, 1000))
    assert cpu_s(long) <= 6 * cpu_s(short)
