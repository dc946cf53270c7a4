"""Google Gemini, through its compatibility layer for Chat Completions.

Answers 400 `Unknown name` to an unknown field. Also refused: instructions without any other message, a history that
ends with the model's turn, and one that begins with its tool call. Thinking is hidden: it is counted in the total only,
and billed as output.
https://ai.google.dev/gemini-api/docs/openai
"""

from gateway.providers.chat_completions.signatures import write_with_signatures
from gateway.providers.chat_completions.usage import read_by_total
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import begin_with_user, end_with_user, send_developer_as_system

GOOGLE = Provider(
    "google",
    "https://generativelanguage.googleapis.com/v1beta/openai",
    hosts=("generativelanguage.googleapis.com",),
    models=("gemini-", "gemma-"),
    accepts=CORE | {"max_tokens", "max_completion_tokens", "n", "reasoning_effort", "extra_body"},
    accepts_in_messages=CORE_OF_MESSAGES | {"name", "extra_content"},
    repairs=(send_developer_as_system, begin_with_user, end_with_user),
    write=write_with_signatures,
    signs_tool_calls=True,
    read_usage=read_by_total,
)
