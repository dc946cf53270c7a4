"""Usage in another shape than OpenAI's: callers get its three counts, and the trace has the provider's count."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway.providers.rows.generic import GENERIC
from switchboard.domain.usage import UsageSource
from testkit.openai_events import DONE, chunk, completion, event, finish
from testkit.read_answers import StreamedAnswer, context

SHAPES: dict[str, tuple[Any, tuple[int, int]]] = {
    "no total": ({"prompt_tokens": 9, "completion_tokens": 3}, (9, 3)),
    "a null total": ({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": None}, (9, 3)),
    "Responses": ({"input_tokens": 9, "output_tokens": 3, "total_tokens": 12}, (9, 3)),
    "Anthropic": ({"input_tokens": 4, "output_tokens": 3, "cache_read_input_tokens": 5}, (9, 3)),
    "floats": ({"prompt_tokens": 9.0, "completion_tokens": 3.0, "total_tokens": 12.0}, (9, 3)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_usage_of_another_shape_is_completed(name: str) -> None:
    told, counts = SHAPES[name]
    read = GENERIC.read_answer(json.dumps(completion("Hi") | {"usage": told}).encode(), context())
    made = ChatCompletion.model_validate_json(read.raw).usage
    assert made is not None
    assert (made.prompt_tokens, made.completion_tokens, made.total_tokens) == (*counts, sum(counts))
    assert GENERIC.usage_told(read.delta.usage).source is UsageSource.PROVIDER


@pytest.mark.parametrize("name", SHAPES)
def test_usage_of_a_stream_is_completed(name: str) -> None:
    told, counts = SHAPES[name]
    last = json.loads(finish().removeprefix(b"data: ")) | {"usage": told}
    for ending in (event(last), finish() + event({"choices": [], "usage": told})):
        answer = StreamedAnswer(chunk("Hi") + ending + DONE, wants_usage=True)
        (made,) = (found for found in map(ChatCompletionChunk.model_validate, answer.chunks) if found.usage)
        assert made.usage is not None
        assert (made.usage.prompt_tokens, made.usage.completion_tokens) == counts
        found = GENERIC.usage_told(answer.transcript.usage).tokens
        assert found is not None
        assert (found.prompt, found.output) == counts


@pytest.mark.parametrize("told", [[], [{"prompt_tokens": 1}], "9", 7, True])
def test_usage_that_is_no_object_is_not_sent(told: object) -> None:
    read = GENERIC.read_answer(json.dumps(completion("Hi") | {"usage": told}).encode(), context())
    assert ChatCompletion.model_validate_json(read.raw).usage is None
    chunks = StreamedAnswer(event(json.loads(chunk("Hi").removeprefix(b"data: ")) | {"usage": told})).chunks
    assert [found["usage"] for found in chunks] == [None]


@pytest.mark.parametrize("told", [{"prompt_tokens": "9"}, {"total_tokens": 4}, {"prompt_tokens": 0.5}, {}])
def test_usage_that_cannot_be_completed_stays(told: dict[str, Any]) -> None:
    body = json.dumps(completion("Hi") | {"usage": told}).encode()
    assert GENERIC.read_answer(body, context()).raw == body
