"""Buffer words as the real `openai` package reads them."""

import openai

from testkit.cascade import MODEL, cascade
from testkit.openai_events import DONE, chunk, finish
from testkit.running_gateway import KEY
from testkit.upstream import Answer, ScriptedUpstream


async def test_the_sdk_reads_the_words_and_the_answer_as_one_stream() -> None:
    policy = {"buffer_words": {"text": "Let me see", "after_ms": 30}}
    with ScriptedUpstream(Answer([0.15, chunk("Hello"), chunk(" there"), finish(), DONE])) as upstream:
        async with (
            cascade(upstream, policy=policy) as gateway,
            openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client,
        ):
            stream = await client.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": "Hello?"}], stream=True
            )
            choices = [chunk.choices[0] async for chunk in stream]
    assert "".join(choice.delta.content or "" for choice in choices) == "Let me see... Hello there"
    assert choices[-1].finish_reason == "stop"
