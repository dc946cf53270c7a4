"""Mistral.

Answers 422 `extra_forbidden` to an unknown field, in messages and tools too. Roles have an order: instructions and user
turns may not directly follow a tool's result, nor instructions an assistant's turn, and the last turn is the user's or
a tool's. Tool-call ids are nine letters or digits; an assistant's message is never empty. `seed` is called
`random_seed`. Usage comes in the last chunk without being asked for; cached tokens in `prompt_tokens_details`, audio in
`prompt_audio_seconds`.
https://docs.mistral.ai/api/endpoint/chat · https://docs.mistral.ai/studio-api/conversations/advanced/prompt-caching
https://github.com/mistralai/client-python (the fields)
https://github.com/mistralai/mistral-common (the order of roles, the ids)
"""

from gateway.domain.codec import Draft
from gateway.providers.chat_completions.usage import read_seconds_of_audio
from gateway.providers.histories.refusals import Empty, NameRule, Refusals, always
from gateway.providers.histories.rules import MISTRAL_IDS
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import SILENCE, Capped, Renamed, end_with_user, send_developer_as_system
from switchboard.stream.deltas import Json


def answer_results(body: Draft) -> None:
    """Puts a short answer between a tool's result and a user turn."""
    ordered: list[Json] = []
    for message in body.messages:
        before = ordered[-1].get("role") if ordered else None
        if message.get("role") == "user" and before == "tool":
            ordered.append({"role": "assistant", "content": SILENCE})
            body.note("put a short answer between a tool's result and a user turn")
        ordered.append(message)
    body.fields["messages"] = ordered


MISTRAL = Provider(
    "mistral",
    "https://api.mistral.ai/v1",
    hosts=("api.mistral.ai",),
    models=("mistral-", "ministral-", "magistral-", "codestral-", "pixtral-", "open-mistral-", "open-mixtral-"),
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "n", "seed", "random_seed", "frequency_penalty", "presence_penalty"),
        *("parallel_tool_calls", "prediction", "prompt_mode", "reasoning_effort", "safe_prompt"),
        *("prompt_cache_key", "metadata", "min_tokens", "repetition_penalty", "top_k", "logprobs", "top_logprobs"),
        *("prompt_logprobs", "top_prompt_logprobs", "guardrails", "service_tier"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"prefix"},
    refuses=Refusals(
        empty=Empty.BLANK,
        functions=True,
        open_schemas=True,
        foreign_fields=True,
        part_fields=frozenset({"reference_ids", "closed"}),
        parts=frozenset({"text", "image_url", "document_url", "input_audio", "file", "thinking", "reference"}),
        media_roles=frozenset({"user", "tool"}),
        later_system=always,
        tool_names=NameRule(),
        call_ids=MISTRAL_IDS,
    ),
    repairs=(
        Renamed("max_completion_tokens", "max_tokens"),
        Renamed("seed", "random_seed"),
        Capped("temperature", 1.5),
        send_developer_as_system,
        answer_results,
        end_with_user,
    ),
    takes_stream_options=False,
    read_usage=read_seconds_of_audio,
)
