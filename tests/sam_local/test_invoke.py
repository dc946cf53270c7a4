"""Every event of API Gateway in `events/`, through the built functions in containers."""

import json
from dataclasses import replace

import pytest

from switchboard.domain.policy import BufferWords
from switchboard.domain.policy_json import policy_json
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.usage import UsageSource
from testkit.containers import Kept
from testkit.sam import BuiltStack, Invocation
from testkit.samples import a_usual_usage, an_open_trace
from testkit.stream_events import Seen, an_aggregator, stream_event

pytestmark = pytest.mark.sam_local

GATEWAY = "GatewayFunction"
A_USUAL_COST_USD = "0.008085"  # 212 fresh at 3 USD a million, 20,480 cached at 0.30, 87 of answer at 15


def trace_of(kept: Kept, done: Invocation) -> Trace | None:
    """The call's trace, found by the id in its answer."""
    return kept.store.find_trace(kept.project, done.headers["x-inference-trace-id"])


def test_a_streamed_call_answers_in_one_piece_and_leaves_its_trace(stack: BuiltStack, kept: Kept) -> None:
    done = stack.invoke(GATEWAY, "chat-streamed")

    assert done.answer["statusCode"] == 200
    assert done.headers["content-type"].startswith("text/event-stream")
    assert done.answer["body"].endswith("data: [DONE]\n\n")
    assert "Monday" in spoken(done.answer["body"])
    trace = trace_of(kept, done)
    assert trace is not None
    assert (trace.status, trace.task_id, trace.streamed) == (Status.OK, "book-appointment", True)
    assert trace.metadata["conversation-id"] == "conv_01k0example"
    assert trace.usage.source is UsageSource.PROVIDER
    assert set(trace.notes) == {"left out elevenlabs_extra_body", "sent user_id as user", "left out max_tokens"}
    bodies = kept.store.find_bodies(kept.project, trace.trace_id)
    assert json.loads(bodies.request or b"")["elevenlabs_extra_body"] == {"practice": "north"}
    assert (bodies.response or b"").decode() == done.answer["body"]


def test_a_call_in_one_piece_leaves_its_trace_and_one_line_of_json(stack: BuiltStack, kept: Kept) -> None:
    done = stack.invoke(GATEWAY, "chat")

    assert done.answer["statusCode"] == 200
    completion = json.loads(done.answer["body"])
    assert "line works" in completion["choices"][0]["message"]["content"]
    trace = trace_of(kept, done)
    assert trace is not None
    assert (trace.status, trace.task_id, trace.streamed) == (Status.OK, "summarise-call", False)
    lines = [line for line in done.lines if "_aws" not in line]
    assert [(line["message"], line["trace_id"]) for line in lines] == [
        ("call.opened", trace.trace_id),
        ("call.completed", trace.trace_id),
    ]


def test_an_unknown_key_is_refused_and_leaves_no_trace(stack: BuiltStack, kept: Kept) -> None:
    done = stack.invoke(GATEWAY, "bad-key")

    assert done.answer["statusCode"] == 401
    assert json.loads(done.answer["body"])["error"]["code"] == "key_unknown"
    assert trace_of(kept, done) is None
    assert [line["error"] for line in done.lines if line.get("message") == "call.refused"] == ["key_unknown"]


def test_a_bad_body_is_refused_and_leaves_a_trace(stack: BuiltStack, kept: Kept) -> None:
    done = stack.invoke(GATEWAY, "bad-body")

    assert done.answer["statusCode"] == 400
    assert json.loads(done.answer["body"])["error"]["param"] == "messages"
    trace = trace_of(kept, done)
    assert trace is not None
    assert trace.status is Status.REFUSED


def test_models_are_listed(stack: BuiltStack) -> None:
    done = stack.invoke(GATEWAY, "models")

    assert done.answer["statusCode"] == 200
    assert "demo/echo" in {model["id"] for model in json.loads(done.answer["body"])["data"]}


def test_health(stack: BuiltStack) -> None:
    done = stack.invoke(GATEWAY, "health")

    assert (done.answer["statusCode"], json.loads(done.answer["body"])) == (200, {"status": "ok"})


def test_the_console_lists_the_traces_of_a_task(stack: BuiltStack) -> None:
    called = stack.invoke(GATEWAY, "chat-streamed")

    done = stack.invoke("ConsoleFunction", "console-traces")

    assert done.answer["statusCode"] == 200
    newest = json.loads(done.answer["body"])["traces"][0]
    assert newest["trace_id"] == called.headers["x-inference-trace-id"]
    assert (newest["task_id"], newest["status"]) == ("book-appointment", "ok")


@pytest.fixture(scope="module")
def settled_call(kept: Kept) -> Trace:
    """A settled call of the task in the console's events."""
    trace = replace(
        an_open_trace(kept.project, "book-appointment"), status=Status.OK, usage=a_usual_usage(), duration_ms=1843.6
    )
    kept.store.complete_trace(trace, Bodies())
    an_aggregator(kept.client, kept.table_name, Seen()).handle(stream_event([trace]), lambda: 60_000)
    settled = kept.store.find_trace(kept.project, trace.trace_id)
    assert settled is not None
    return settled


def test_the_console_returns_the_cost_of_each_task(stack: BuiltStack, settled_call: Trace) -> None:
    done = stack.invoke("ConsoleFunction", "console-tasks")

    assert done.answer["statusCode"] == 200
    [task] = json.loads(done.answer["body"])["tasks"]
    assert (task["task_id"], task["calls"], task["cost_usd"]) == (settled_call.task_id, 1, A_USUAL_COST_USD)


def test_the_console_returns_a_tasks_cost_by_day(stack: BuiltStack, settled_call: Trace) -> None:
    done = stack.invoke("ConsoleFunction", "console-costs")

    assert done.answer["statusCode"] == 200
    costs = json.loads(done.answer["body"])
    [day] = costs["periods"]
    assert day["start"].startswith(f"{settled_call.started_at:%Y-%m-%d}")
    assert day["cost_usd"] == costs["total"]["cost_usd"] == A_USUAL_COST_USD


def test_the_console_keeps_a_tasks_policy(stack: BuiltStack, kept: Kept) -> None:
    done = stack.invoke("ConsoleFunction", "console-policy")

    assert done.answer["statusCode"] == 200
    policy = kept.store.policies(kept.project).tasks["call-back"]
    assert json.loads(done.answer["body"])["policy"] == policy_json(policy)
    assert (policy.ttft_timeout_ms, policy.buffer_words) == (2000, BufferWords("One moment", 1200))


def spoken(stream: str) -> str:
    """The text of a stream's deltas."""
    chunks = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
