"""The calls of a conversation on the Lambda runtime: each in its own sandbox, which does not see a disconnect."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.domain.trace import Status, Trace
from switchboard.domain.usage import UsageSource
from switchboard.store.dynamodb import DynamoStore
from testkit.emulator import Answer as Invoked
from testkit.emulator import Emulator
from testkit.events import rest_event
from testkit.openai_events import DONE, chunk, finish, role, usage
from testkit.upstream import Answer, Gate, Request, ScriptedUpstream

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = "sb-the-key-of-the-turns-tests"
POLL_S = 0.2
CALLER_TIMEOUT_S = 4 * POLL_S
"""The caller's timeout, after which it asks again. Its ratio to the poll interval is that of 4 s to 1 s."""
SPOKEN = [chunk("Hello"), finish(), usage(7, 2), DONE]
ASKED = [{"role": "system", "content": "You take bookings."}, {"role": "user", "content": "A table for two."}]
LATER = [*ASKED, {"role": "assistant", "content": "For when"}, {"role": "user", "content": "Tonight!"}]

pytestmark = pytest.mark.emulator


@dataclass(frozen=True, slots=True)
class Lambda:
    """A deployed gateway with two warm sandboxes."""

    upstream: ScriptedUpstream
    store: DynamoStore
    sandboxes: list[Emulator]
    threads: ThreadPoolExecutor

    def asks(
        self, sandbox: int, messages: list[dict[str, str]] = ASKED, conversation: str = "conv_1"
    ) -> Future[Invoked]:
        """A call in that sandbox."""
        return self.threads.submit(self.sandboxes[sandbox].invoke, self._event(messages, conversation))

    def request(self, number: int) -> Request:
        """The nth request to the provider, once it has arrived."""
        return asyncio.run(self.upstream.request(number))

    def trace(self, invoked: Invoked) -> Trace:
        """The stored trace of a call."""
        trace = self.store.find_trace("acme", invoked.head["headers"]["x-inference-trace-id"])
        assert trace is not None
        return trace

    def _event(self, messages: list[dict[str, str]], conversation: str) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {KEY}",
            "x-inference-provider-url": self.upstream.base_url,
            "x-inference-metadata-conversation-id": conversation,
        }
        body = json.dumps({"model": "gpt-4o", "stream": True, "messages": messages})
        return rest_event("POST", "/v1/chat/completions", body=body, headers=headers)


@pytest.fixture
def deployed(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Iterator[Lambda]:
    store = DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))
    store.put_key(GatewayKey(digest(KEY), "acme", frozenset({Scope.CALL}), datetime.now(UTC)))
    with ScriptedUpstream(Answer(SPOKEN)) as upstream, ThreadPoolExecutor(4) as threads, ExitStack() as stack:
        env = {
            "TABLE_NAME": table,
            "DYNAMODB_ENDPOINT": dynamodb_endpoint,
            "PRIVATE_PROVIDER_HOSTS": upstream.host,
            "TURN_LOOK_MS": str(round(POLL_S * 1000)),
        }
        sandboxes = [stack.enter_context(Emulator(handler="gateway.handler.handler", env=env)) for _ in range(2)]
        running = Lambda(upstream, store, sandboxes, threads)
        for sandbox in range(2):
            assert running.asks(sandbox, conversation=f"warm-up {sandbox}").result().body.endswith(DONE)
        yield running


def test_a_model_slower_than_its_callers_timeout_answers_once_for_one_extra_attempt(deployed: Lambda) -> None:
    slow = Answer([role(), 1.25 * CALLER_TIMEOUT_S, *SPOKEN])  # as 5 s for a timeout of 4 s
    deployed.upstream.answers(slow, slow)
    first = deployed.asks(0)
    deployed.request(3)
    with pytest.raises(TimeoutError):
        first.result(CALLER_TIMEOUT_S)
    again = deployed.asks(1)
    answered, stopped = first.result(), again.result()
    assert answered.body == b"".join([role(), *SPOKEN[:2], DONE])
    assert (stopped.head["statusCode"], json.loads(stopped.body)["error"]["code"]) == (409, "turn_answered")
    assert len(deployed.upstream.requests) == 4, "two to warm up, the call, and one extra attempt"
    asyncio.run(deployed.request(4).left())
    one, other = deployed.trace(answered), deployed.trace(stopped)
    assert (one.status, other.status) == (Status.OK, Status.SUPERSEDED)
    assert one.turn is not None
    assert other.turn is not None
    assert (one.turn.retry, other.turn.retry, one.turn.turn_id) == (0, 1, other.turn.turn_id)
    assert other.usage.source is UsageSource.ESTIMATED
    assert other.usage.tokens is not None
    assert (other.usage.tokens.output, len(other.attempts)) == (0, 1)


def test_a_barge_in_ends_the_earlier_answer_within_one_poll(deployed: Lambda) -> None:
    deployed.upstream.answers(Answer([role(), chunk("For when"), Gate()]), Answer(SPOKEN))
    talking = deployed.asks(0)
    asked = deployed.request(3)
    assert deployed.asks(1, LATER).result().body.endswith(DONE)
    cut = talking.result(10 * POLL_S)
    asyncio.run(asked.left())
    *_, last = cut.body.strip().split(b"\n\n")
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "barge_in"
    assert DONE not in cut.body
    trace = deployed.trace(cut)
    assert (trace.status, trace.usage.source) == (Status.INTERRUPTED, UsageSource.ESTIMATED)
    assert trace.usage.tokens is not None
    assert trace.usage.tokens.output > 0
