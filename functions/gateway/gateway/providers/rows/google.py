"""Google Gemini, through its compatibility layer for Chat Completions.

Answers 400 `Unknown name` to an unknown field. Also refused: instructions without any other message, a history that
ends with the model's turn, and one that begins with its tool call. Thinking is hidden: it is counted in the total only,
and billed as output. Vertex AI serves the same layer at a region's host, under a project's path:
`…/projects/<project>/locations/<location>/endpoints/openapi`; `aiplatform.<us|eu>.rep.googleapis.com` is a
multi-region's.
https://ai.google.dev/gemini-api/docs/openai
https://cloud.google.com/vertex-ai/generative-ai/docs/start/openai
"""

import re

from gateway.providers.chat_completions.usage import read_by_total
from gateway.providers.histories.refusals import Empty, NameRule, Refusals
from gateway.providers.histories.rules import USERS
from gateway.providers.hosts import region_in
from gateway.providers.paths import completions_path, served_under, tidy
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import begin_with_user, end_with_user, send_developer_as_system

_at_gemini = served_under("/v1beta/openai")


def _home_path(host: str, path: str) -> str:
    """Gemini's `/v1beta/openai`, or the endpoint of Vertex AI's location."""
    trimmed = re.sub(r"/models(/.*)?$", "", tidy(path))
    if "aiplatform" not in host:
        return _at_gemini(host, trimmed)
    is_location = re.search(r"/locations/[^/]+(/endpoints)?$", trimmed)
    return completions_path(trimmed.removesuffix("/endpoints") + "/endpoints/openapi" if is_location else trimmed)


_WITHOUT_SYSTEM = re.compile("gemma-[123](?!\\d)")
"""Gemma before 4: \"Developer instruction is not enabled\"."""

GOOGLE = Provider(
    "google",
    "https://generativelanguage.googleapis.com/v1beta/openai",
    hosts=(
        *("generativelanguage.googleapis.com", "aiplatform.googleapis.com", "*-aiplatform.googleapis.com"),
        "aiplatform.*.rep.googleapis.com",
    ),
    home_path=_home_path,
    models=("gemini-", "gemma-"),
    accepts=CORE | {"max_tokens", "max_completion_tokens", "n", "reasoning_effort", "extra_body"},
    accepts_in_messages=CORE_OF_MESSAGES | {"name", "extra_content"},
    refuses=Refusals(
        empty=Empty.BLANK,
        functions=True,
        open_schemas=True,
        foreign_fields=True,
        parts=frozenset({"text", "image_url", "input_audio", "file"}),
        media_roles=USERS,
        any_system=lambda model: _WITHOUT_SYSTEM.search(model) is not None,
        tool_names=NameRule(re.compile("[^a-zA-Z0-9_.-]"), may_begin_with_digit=False),
        sender_names=NameRule(),
    ),
    repairs=(send_developer_as_system, begin_with_user, end_with_user),
    signs_tool_calls=True,
    region_of=region_in(r"([a-z0-9-]+)-aiplatform\.googleapis\.com|aiplatform\.([a-z0-9-]+)\.rep\.googleapis\.com"),
    read_usage=read_by_total,
)
