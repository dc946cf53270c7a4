"""OpenAI.

Answers 400 to unknown fields. Reasoning models (the o-series, GPT-5 and later) take `max_completion_tokens` for
`max_tokens`, no sampling parameters but their defaults and no stop sequences; from GPT-5.4 on they take function tools
in Chat Completions only with `reasoning_effort: none`, which GPT-5.6 needs explicitly. `stop` is documented as refused
by o3 and o4-mini; o3-mini obeys it. The fields are those of the newest SDK: https://github.com/openai/openai-python
https://developers.openai.com/api/reference/resources/chat · https://developers.openai.com/api/docs/guides/reasoning
"""

import re

from gateway.domain.codec import Draft
from gateway.providers.histories.refusals import Empty, ImageRule, NameRule, Refusals
from gateway.providers.histories.rules import OPENAI_IDS, USERS
from gateway.providers.hosts import region_in
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.reasoning_models import reasons
from gateway.providers.repairs import OnlyBeside, Renamed
from gateway.providers.schema_as_text import send_schema_as_text

OPENAI_FIELDS = CORE | {
    *("max_tokens", "max_completion_tokens", "n", "seed", "user", "safety_identifier", "metadata", "store"),
    *("frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs"),
    *("parallel_tool_calls", "functions", "function_call", "reasoning_effort", "verbosity", "prediction"),
    *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "moderation", "service_tier"),
    *("modalities", "audio", "web_search_options"),
}
"""The documented fields of a chat completion request."""

OPENAI_MESSAGE_FIELDS = CORE_OF_MESSAGES | {"name", "refusal", "audio", "function_call"}

OPENAI_REFUSALS = Refusals(
    empty=Empty.NULL,
    loose_arguments=False,
    open_schemas=True,
    foreign_fields=True,
    part_fields=frozenset({"prompt_cache_breakpoint"}),
    parts=frozenset({"text", "image_url", "input_audio", "file", "refusal"}),
    media_roles=USERS,
    images=ImageRule(),
    tool_names=NameRule(),
    sender_names=NameRule(),
    call_ids=OPENAI_IDS,
)

_REASONS = re.compile(r"o\d|gpt-[5-9](?!\d|-chat)|codex-")
_OBEYS_STOP = re.compile(r"o3-mini")
_TAKES_VERBOSITY = re.compile(r"gpt-[5-9](?!\d|.*-chat)")
_O_SERIES = re.compile(r"o\d")
_VERSION = re.compile(r"gpt-([5-9])(?:\.(\d+))?(?!\d|.*-(?:chat|pro|codex))")
_WITHOUT_EFFORT_BESIDE_TOOLS = (5, 4)
_WITH_EFFORT_NONE = (5, 1)
_DEFAULTS = {"temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0}
_NEVER_TAKEN = ("logit_bias", "logprobs", "top_logprobs", "stop")
_KNOWS_NO_SCHEMAS = re.compile(r"gpt-3\.5|gpt-35|gpt-4-turbo|gpt-4-1106|gpt-4-0125|gpt-4o-2024-05-13")
_SEARCHES = re.compile(r"gpt-.*-search-(?:preview|api)")
_metadata_beside_store = OnlyBeside("metadata", "store")
_rename_limit = Renamed("max_tokens", "max_completion_tokens")


def fit_reasoning_models(body: Draft) -> None:
    """For reasoning models: `max_tokens` as `max_completion_tokens`; sampling parameters and `stop` left out."""
    name = bare_name(body.model)
    if not _REASONS.match(name):
        return
    _rename_limit(body)
    for field, default in _DEFAULTS.items():
        if body.fields.get(field, default) != default:
            body.drop(field)
    for field in _NEVER_TAKEN:
        if field != "stop" or not _OBEYS_STOP.match(name):
            body.drop(field)
    if _O_SERIES.match(name):
        body.drop("parallel_tool_calls")


def fit_reasoning_effort(body: Draft) -> None:
    """Reasoning effort as the model takes it: `none` beside tools from GPT-5.4 on, `minimal` only before GPT-5.1."""
    version = _version(bare_name(body.model))
    if version is None:
        return
    effort = body.fields.get("reasoning_effort")
    wanted = effort
    if version >= _WITHOUT_EFFORT_BESIDE_TOOLS and body.fields.get("tools"):
        wanted = "none"
    elif version >= _WITH_EFFORT_NONE and effort == "minimal":
        wanted = "low"
    elif version < _WITH_EFFORT_NONE and effort == "none":
        wanted = "minimal"
    if wanted != effort:
        body.set("reasoning_effort", wanted, f"set reasoning_effort to {wanted}")


def fit_text_fields(body: Draft) -> None:
    """Leaves out `metadata` without `store`, `audio` without that modality, and any `verbosity` before GPT-5."""
    _metadata_beside_store(body)
    modalities = body.fields.get("modalities")
    if not (isinstance(modalities, list) and "audio" in modalities):
        body.drop("audio")
    name = bare_name(body.model)
    if (not reasons(name) or _O_SERIES.match(name)) and not _TAKES_VERBOSITY.match(name):
        body.drop("verbosity")
    if _KNOWS_NO_SCHEMAS.match(name):
        send_schema_as_text(body)


def bare_name(model: str) -> str:
    """A model's name without its owner and without the `ft:` of a fine-tuned model."""
    return model.rpartition("/")[2].removeprefix("ft:")


def _version(name: str) -> tuple[int, int] | None:
    found = _VERSION.match(name)
    return (int(found[1]), int(found[2] or 0)) if found else None


OPENAI = Provider(
    "openai",
    "https://api.openai.com/v1",
    hosts=("api.openai.com", "*.api.openai.com"),
    models=("gpt-", "chatgpt-", "o1", "o3", "o4", "codex-"),
    accepts=OPENAI_FIELDS,
    accepts_in_messages=OPENAI_MESSAGE_FIELDS,
    refuses=OPENAI_REFUSALS,
    repairs=(fit_reasoning_models, fit_reasoning_effort, fit_text_fields),
    may_tag_reasoning=False,
    searching=_SEARCHES,
    region_of=region_in(r"([a-z0-9-]+)\.api\.openai\.com"),
)
