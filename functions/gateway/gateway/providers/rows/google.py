"""Google Gemini, by its layer that speaks Chat Completions.

Strict: a field that it does not know answers 400 `Unknown name`. Instructions alone are no contents, a history may not
end with the model's turn, nor begin with its call of a tool. Thinking is hidden: it shows in the total alone, and is
billed as output.
https://ai.google.dev/gemini-api/docs/openai
"""

from gateway.providers.chat_completions.signatures import write_with_signatures
from gateway.providers.chat_completions.usage import read_by_total
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import begin_with_user, end_with_user, say_system_for_developer

GOOGLE = Provider(
    "google",
    "https://generativelanguage.googleapis.com/v1beta/openai",
    hosts=("generativelanguage.googleapis.com",),
    models=("gemini-", "gemma-"),
    accepts=CORE | {"max_tokens", "max_completion_tokens", "n", "reasoning_effort", "extra_body"},
    accepts_in_messages=CORE_OF_MESSAGES | {"name", "extra_content"},
    repairs=(say_system_for_developer, begin_with_user, end_with_user),
    write=write_with_signatures,
    signs_tool_calls=True,
    read_usage=read_by_total,
)
