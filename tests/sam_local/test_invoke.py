"""Every event of `events/`, through the built functions in containers."""

import json

import pytest

from switchboard.trace import Status, Trace
from switchboard.usage import UsageSource
from testkit.containers import Kept
from testkit.sam import BuiltStack, Invocation

pytestmark = pytest.mark.sam_local

GATEWAY = "GatewayFunction"


def trace_of(kept: Kept, done: Invocation) -> Trace | None:
    """The row that the call left, found by the id in its answer."""
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
    assert set(trace.notes) == {"left out elevenlabs_extra_body", "left out user_id", "left out max_tokens"}
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


def spoken(stream: str) -> str:
    """The text of a stream's deltas."""
    chunks = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
