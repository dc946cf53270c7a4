"""The trace of a call tells how its answer was served: service tier, region, model, media and searches."""

from collections.abc import Iterator
from typing import Any

import pytest

from switchboard.domain.trace import Trace
from switchboard.domain.usage import Tokens, Usage, UsageSource
from testkit.fuzz_bodies import serialised
from testkit.fuzz_checks import Asked, Said
from testkit.fuzz_gateway import FuzzedGateway
from testkit.openai_events import DONE, event
from testkit.twins.gateway import PROJECT

USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 30,
    "total_tokens": 130,
    "prompt_tokens_details": {"audio_tokens": 60, "cached_tokens": 0},
    "completion_tokens_details": {"audio_tokens": 20},
}
TOKENS = Tokens(fresh_input=40, output=10, audio_input=60, audio_output=20)
TOLD = {"id": "c-1", "model": "gpt-5-mini-2025-08-07", "service_tier": "Flex"}


@pytest.fixture(scope="module")
def gateway() -> Iterator[FuzzedGateway]:
    running = FuzzedGateway()
    yield running
    running.close()


def trace_of(gateway: FuzzedGateway, url: str, said: Said, *, streamed: bool) -> Trace:
    """The trace of a call to that URL, which is answered so."""
    headers = {"x-inference-provider-url": url.encode(), "x-inference-provider-api-key": b"sk"}
    body = {"model": "my-router", "stream": streamed, "messages": [{"role": "user", "content": "Hello?"}]}
    heard = gateway.call(Asked(serialised(body), tuple(headers.items())), said)
    assert heard.status == 200
    return gateway.store.traces[PROJECT, heard.header("x-inference-trace-id")]


def whole() -> Said:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    return Said(
        (serialised(TOLD | {"choices": [choice], "usage": USAGE}),), headers={"content-type": "application/json"}
    )


def stream(*, is_cut: bool = False) -> Said:
    said: dict[str, Any] = TOLD | {"choices": [{"index": 0, "delta": {"content": "Yes."}, "finish_reason": None}]}
    ending: dict[str, Any] = TOLD | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    last = TOLD | {"choices": [], "usage": USAGE}
    return Said((event(said),) if is_cut else (event(said), event(ending), event(last), DONE))


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("url", "region"), [("https://eu.api.openai.com/v1", "eu"), ("https://api.openai.com/v1", None)]
)
def test_streamed_or_not(gateway: FuzzedGateway, url: str, region: str | None, *, streamed: bool) -> None:
    trace = trace_of(gateway, url, stream() if streamed else whole(), streamed=streamed)
    assert trace.usage == Usage(
        UsageSource.PROVIDER, TOKENS, None, service_tier="flex", region=region, answer_model="gpt-5-mini-2025-08-07"
    )


def test_an_answer_that_breaks_off_has_told_it_before(gateway: FuzzedGateway) -> None:
    trace = trace_of(gateway, "https://eu.api.openai.com/v1", stream(is_cut=True), streamed=True)
    assert trace.usage.source is UsageSource.ESTIMATED
    assert (trace.usage.service_tier, trace.usage.region) == ("flex", "eu")
