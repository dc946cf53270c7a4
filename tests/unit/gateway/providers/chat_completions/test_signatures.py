"""Gemini's thought signatures: kept, put back into the history, or replaced where they are lost."""

import json
from typing import Any

import pytest

from gateway.domain.call import Chat, Target
from gateway.domain.clock import Clock
from gateway.domain.codec import AnswerContext
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import MAX_AGE_S, MAX_CHARACTERS, SignatureMemory
from gateway.providers.chat_completions.signatures import SKIP_VALIDATOR
from switchboard.stream.deltas import Json
from switchboard.stream.sse import Event
from testkit.openai_events import event

GEMINI_3 = "gemini-3-flash-preview"


class Hand:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def memory(hand: Hand) -> SignatureMemory:
    return SignatureMemory(Clock(monotonic=hand))


def call(call_id: str, signature: str | None = None, **others: Any) -> dict[str, Any]:
    """A tool call, with its signature where it has one."""
    made: dict[str, Any] = {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    if signature is not None:
        made["extra_content"] = {"google": {"thought_signature": signature}}
    return made | others


def hear(memory: SignatureMemory, *chunks: list[dict[str, Any]], provider: str = "google") -> list[dict[str, Any]]:
    """The tool calls that the caller receives of a stream, one chunk for each list of calls."""
    row = table.by_dialect(provider)
    reader = row.make_reader(
        AnswerContext(GEMINI_3, "0123456789abcdef0123456789abcdef", 1, wants_usage=False, memory=memory)
    )
    received = []
    for calls in chunks:
        raw = event({"choices": [{"delta": {"role": "assistant", "tool_calls": calls}, "index": 0}]})
        for piece in reader.read(Event(raw, raw.removeprefix(b"data: ").strip())):
            received += json.loads(piece.raw.removeprefix(b"data: "))["choices"][0]["delta"]["tool_calls"]
    return received


def sent(
    memory: SignatureMemory, *calls: dict[str, Any], model: str = GEMINI_3, provider: str = "google"
) -> tuple[list[Any], tuple[str, ...]]:
    """The signatures (None without) of those calls in the request that is sent, and its notes."""
    history: tuple[Json, ...] = (
        {"role": "user", "content": "Where is my order?"},
        {"role": "assistant", "content": None, "tool_calls": list(calls)},
        *({"role": "tool", "tool_call_id": made["id"], "content": "{}"} for made in calls),
    )
    chat = Chat(model, history, streamed=True, wants_usage=False, others={"tools": [{"type": "function"}]})
    body, notes = table.by_dialect(provider).encode(chat, model, memory)
    arrived = next(m for m in json.loads(body)["messages"] if m["role"] == "assistant")["tool_calls"]
    assert [made["id"] for made in arrived] == [made["id"] for made in calls]
    return [made.get("extra_content", {}).get("google", {}).get("thought_signature") for made in arrived], notes


def test_a_signature_that_the_caller_dropped_is_put_back(memory: SignatureMemory) -> None:
    hear(memory, [call("c1", "sig-1")])
    signatures, notes = sent(memory, call("c1"))
    assert signatures == ["sig-1"]
    assert "put back a thought signature" in notes


def test_of_parallel_calls_only_the_first_has_one(memory: SignatureMemory) -> None:
    hear(memory, [call("c1", "sig-1")], [call("c2")])
    assert sent(memory, call("c1"), call("c2"))[0] == ["sig-1", None]


def test_a_signature_of_a_call_that_had_no_id_is_found_by_the_id_it_was_given(memory: SignatureMemory) -> None:
    anonymous = call("", "sig-1")
    del anonymous["id"]
    given = hear(memory, [anonymous])[0]["id"]
    assert given
    assert sent(memory, call(given))[0] == ["sig-1"]


def test_a_whole_answers_signature_is_kept_too(memory: SignatureMemory) -> None:
    body = json.dumps({"choices": [{"message": {"role": "assistant", "tool_calls": [call("c1", "sig-1")]}}]}).encode()
    context = AnswerContext(GEMINI_3, "00", 1, wants_usage=False, memory=memory)
    assert table.by_dialect("google").read_answer(body, context).delta.is_useful
    assert sent(memory, call("c1"))[0] == ["sig-1"]


def test_a_lost_signature_is_replaced_by_the_documented_value(memory: SignatureMemory, hand: Hand) -> None:
    hear(memory, [call("c1", "sig-1")])
    hand.seconds = MAX_AGE_S
    signatures, notes = sent(memory, call("c1"), call("c2"))
    assert signatures == [SKIP_VALIDATOR, None]
    assert "a thought signature was lost: asked not to validate it" in notes


def test_the_callers_own_signature_stays(memory: SignatureMemory) -> None:
    hear(memory, [call("c1", "sig-1")])
    assert sent(memory, call("c1", "sig-from-the-caller"))[0] == ["sig-from-the-caller"]


@pytest.mark.parametrize(
    ("model", "signature"),
    [
        ("gemini-3-pro", SKIP_VALIDATOR),
        ("models/gemini-3.1-flash-lite", SKIP_VALIDATOR),
        ("gemini-flash-latest", SKIP_VALIDATOR),
        ("gemini-2.5-flash", None),
        ("gemini-1.5-pro", None),
        ("gemma-3-27b-it", None),
    ],
)
def test_only_gemini_3_and_later_get_signatures(memory: SignatureMemory, model: str, signature: str | None) -> None:
    assert sent(memory, call("c1"), model=model)[0] == [signature]


def test_other_providers_neither_send_nor_get_signatures(memory: SignatureMemory) -> None:
    hear(memory, [call("c1", "sig-1")], provider="generic")
    assert sent(memory, call("c1"))[0] == [SKIP_VALIDATOR]
    assert sent(memory, call("c1"), provider="generic")[0] == [None]


def test_the_callers_body_is_not_changed(memory: SignatureMemory) -> None:
    history = ({"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": [call("c1")]})
    before = json.dumps(history)
    chat = Chat(GEMINI_3, history, streamed=True, wants_usage=False, others={})
    table.by_dialect("google").encode(chat, GEMINI_3, memory)
    assert json.dumps(history) == before


def test_the_memory_is_bounded(memory: SignatureMemory) -> None:
    memory.remember("first", "x")
    for n in range(20):
        memory.remember(f"n{n}", "x" * (MAX_CHARACTERS // 10))
    assert memory.recall("first") is None
    assert memory.recall("n19") is not None
    assert sum(memory.recall(f"n{n}") is not None for n in range(20)) <= 10


def target(host: str = "generativelanguage.googleapis.com") -> Target:
    return Target("google", f"https://{host}/v1", host, GEMINI_3, 0, dialect="google")


def test_projects_do_not_share_signatures(memory: SignatureMemory) -> None:
    memory.of("acme", "c", target()).remember("call_0", "sig", "h")
    assert memory.of("acme", "c", target()).recall("call_0", "h") == "sig"
    for project, conversation, host in (
        ("other", "c", target().host),
        ("acme", "d", target().host),
        ("acme", "c", "x"),
    ):
        assert memory.of(project, conversation, target(host)).recall("call_0", "h") is None


def test_a_conversation_with_an_id_finds_a_call_whose_history_has_changed(memory: SignatureMemory) -> None:
    memory.of("acme", "c", target()).remember("call_0", "sig", "h")
    assert memory.of("acme", "c", target()).recall("call_0", "shortened") == "sig"
    memory.of("acme", None, target()).remember("call_0", "sig", "h")
    assert memory.of("acme", None, target()).recall("call_0", "shortened") is None


def test_a_call_id_that_is_used_again_is_told_by_its_history_alone(memory: SignatureMemory) -> None:
    scope = memory.of("acme", "c", target())
    scope.remember("call_0", "first", "h1")
    scope.remember("call_0", "second", "h2")
    assert (scope.recall("call_0", "h1"), scope.recall("call_0", "h2")) == ("first", "second")
    assert scope.recall("call_0", "h3") is None


def test_one_projects_values_do_not_push_out_anothers(memory: SignatureMemory) -> None:
    memory.of("acme", None, target()).remember("call_0", "sig", "h")
    for n in range(50):
        memory.of("loud", None, target()).remember(f"n{n}", "x" * (MAX_CHARACTERS // 10), "h")
    assert memory.of("acme", None, target()).recall("call_0", "h") == "sig"
