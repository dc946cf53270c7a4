"""Below `full`, what a provider says in an error is told to the caller and not kept: it may quote the prompt."""

from collections.abc import AsyncIterator

import pytest

from switchboard.domain.trace import Status
from testkit.cascade import cascade
from testkit.openai_events import chunk, error
from testkit.running_gateway import chat
from testkit.upstream import Answer, Framing, ScriptedUpstream, json_answer

ASKED = "My card number is canary-9c41e7"
NAMED = {"message": f"I cannot read {ASKED}", "code": "bad_words", "type": "invalid_request_error", "param": "messages"}
CONTENT = chat(messages=[{"role": "user", "content": ASKED}])
NAMES = "(code bad_words, type invalid_request_error, param messages)"


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


ANSWERS = {
    "an error": (json_answer({"error": NAMED}, 400), f"answered 400 {NAMES}"),
    "a name that is a sentence": (json_answer({"error": {"message": ASKED, "code": ASKED}}, 400), "answered 400"),
    "a page": (Answer([ASKED.encode()], 503, {}, framing=Framing.LENGTH), "answered 503"),
    "a page in place of an answer": (Answer([ASKED.encode()], 200, {"content-type": "text/html"}), ""),
    "a named event": (Answer([f'event: error\ndata: {{"message": "{ASKED}"}}\n\n'.encode()]), "an error inside"),
    "an error event": (Answer([error(ASKED, "bad_words")]), "an error inside its answer (code bad_words"),
    "a late error event": (Answer([chunk("Hi"), error(ASKED, "bad_words")]), "an error inside its answer (code bad"),
}


@pytest.mark.parametrize("level", ["metadata", "none"])
@pytest.mark.parametrize("by_header", [True, False], ids=["header", "deployment"])
@pytest.mark.parametrize(("answer", "fact"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_below_full_a_providers_sentence_is_told_and_not_kept(
    upstream: ScriptedUpstream, answer: Answer, fact: str, level: str, *, by_header: bool
) -> None:
    upstream.answers(answer)
    headers = {"x_inference_capture": level} if by_header else {}
    async with cascade(upstream, capture="full" if by_header else level) as gateway:
        response = await gateway.call(CONTENT, **headers)
        trace = await gateway.trace_of(response)
        await gateway.log.says("call.completed")
        assert ASKED in response.text or not fact
        assert ASKED not in gateway.everything_kept()
    assert (trace.attempts[0].error or "").startswith(fact)
    assert trace.failure is not None
    assert fact in trace.failure.message
    assert trace.status in {Status.UPSTREAM_ERROR, Status.TRUNCATED}


async def test_with_full_a_providers_sentence_is_kept(upstream: ScriptedUpstream) -> None:
    upstream.answers(json_answer({"error": NAMED}, 400))
    async with cascade(upstream) as gateway:
        trace = await gateway.trace_of(await gateway.call(CONTENT))
    assert trace.attempts[0].error == f"answered 400: {NAMED['message']}"
