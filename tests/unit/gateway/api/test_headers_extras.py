import json
from typing import Any

import pytest

from gateway.api.body import read_chat
from gateway.api.headers import with_extras
from gateway.domain.call import Capture, Labels
from gateway.domain.secret import Scrubber, Secret
from switchboard.domain.limits import MAX_METADATA_CHARACTERS, MAX_METADATA_ENTRIES, MAX_NOTED_NAMES
from testkit.openai_events import DONE, chunk, finish, role
from testkit.running_gateway import chat, running_gateway
from testkit.upstream import Answer, ScriptedUpstream

SCRUBBER = Scrubber([Secret("sk-canary-1")])


def _labels(extras: Any, labels: Labels | None = None) -> Labels:
    body = {"model": "m", "messages": [], "elevenlabs_extra_body": extras}
    return with_extras(labels or Labels(), read_chat(json.dumps(body).encode()), SCRUBBER)


def test_scalars_become_metadata() -> None:
    found = _labels({"plan": "gold", "age": 7, "score": 0.5, "is_new": True, "Stadt": "Köln"})
    assert found.metadata == {
        "extra.plan": "gold",
        "extra.age": "7",
        "extra.score": "0.5",
        "extra.is_new": "true",
        "extra.Stadt": "Köln",
    }
    assert found.notes == ()


@pytest.mark.parametrize("value", [None, {}, {"deep": 1}, [1], "x" * MAX_METADATA_CHARACTERS])
def test_a_value_that_is_not_a_short_scalar_is_noted(value: object) -> None:
    found = _labels({"odd": value, "plan": "gold"})
    assert found.metadata == {"extra.plan": "gold"}
    assert found.notes == ("kept no extra.odd of elevenlabs_extra_body: no scalar, too long or too many",)


def test_the_longest_allowed_value_is_kept() -> None:
    text = "x" * (MAX_METADATA_CHARACTERS - len("extra.k"))
    assert _labels({"k": text}).metadata == {"extra.k": text}


def test_metadata_stays_within_its_limit_and_headers_win() -> None:
    headers = {f"h{number}": "x" for number in range(MAX_METADATA_ENTRIES - 1)}
    found = _labels({"first": 1, "second": 2}, Labels(metadata=headers))
    assert found.metadata == headers | {"extra.first": "1"}
    assert len(found.notes) == 1


def test_the_notes_on_a_huge_extra_body_are_limited() -> None:
    found = _labels({f"{number:09}" * 20: None for number in range(1000)})
    assert len(found.notes) == MAX_NOTED_NAMES + 1
    assert found.notes[-1] == f"kept no {1000 - MAX_NOTED_NAMES} more of elevenlabs_extra_body"
    assert max(map(len, found.notes)) < 200


@pytest.mark.parametrize("extras", [None, "text", 7, []])
def test_an_extra_body_that_is_not_an_object_is_ignored(extras: object) -> None:
    assert _labels(extras) == Labels()


def test_with_capture_none_no_extras_are_kept() -> None:
    labels = Labels(capture=Capture.NONE)
    assert _labels({"plan": "gold", "odd": {}}, labels) == labels


def test_a_secret_in_the_extra_body_is_not_kept() -> None:
    found = _labels({"sk-canary-1": "a", "note": "it is sk-canary-1"})
    assert "canary" not in repr(found)


async def test_extras_are_on_the_trace_and_are_not_sent_upstream() -> None:
    spoken = Answer([role(), chunk("Hello."), finish(), DONE])
    with ScriptedUpstream(spoken) as upstream:
        async with running_gateway(upstream.host) as gateway:
            body = chat(elevenlabs_extra_body={"plan": "gold", "odd": {"deep": 1}}, user_id="u-1")
            await gateway.call(body, x_inference_provider_url=upstream.base_url, x_inference_metadata_agent_id="a1")
            trace = await gateway.trace()
        sent = json.loads(upstream.requests[0].body)
    assert trace.metadata == {"agent-id": "a1", "extra.plan": "gold"}
    assert any("extra.odd" in note for note in trace.notes)
    assert "sent user_id as user" in trace.notes
    assert "elevenlabs_extra_body" not in sent
    assert sent["user"] == "u-1"
