"""How a streamed answer flows: when it counts as begun, as silent, as whole, and what ends it."""

from collections.abc import AsyncIterator

import pytest

from switchboard.trace import Status
from testkit.cascade import cascade
from testkit.openai_events import DONE, chunk, finish
from testkit.running_gateway import chat
from testkit.upstream import Answer, ScriptedUpstream


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


HELD_TO_THE_END = {
    "its only event lacks the blank line": (Answer([chunk("Hello", finish_reason="stop").rstrip()]), "gpt-4o"),
    "thinking without a tag, to the end": (Answer([chunk("Hello"), finish().rstrip()]), "deepseek-r1-distill"),
}


@pytest.mark.parametrize(("answer", "model"), HELD_TO_THE_END.values(), ids=HELD_TO_THE_END.keys())
async def test_words_that_come_with_the_end_get_one_end_marker(
    upstream: ScriptedUpstream, answer: Answer, model: str
) -> None:
    upstream.answers(answer)
    async with cascade(upstream) as gateway:
        content = (await gateway.call(chat(model=model))).content
        trace = await gateway.trace()
    assert content.count(b"Hello") == content.count(DONE) == 1
    assert content.endswith(b"}\n\n" + DONE)
    assert (trace.status, trace.notes) == (Status.OK, ("added the missing [DONE]",))
