"""Leaves out reasoning fields for models that are known not to reason: most providers answer 400 to them.

A model that is not known here gets the fields. Distillations of reasoning models carry the name of the model that was
trained (`deepseek-r1-distill-llama-70b`): a name that says it reasons is never in the table.
https://developers.openai.com/api/docs/models · https://console.groq.com/docs/reasoning ·
https://docs.mistral.ai/capabilities/reasoning · https://ai.google.dev/gemini-api/docs/openai#thinking ·
https://inference-docs.cerebras.ai/capabilities/reasoning
"""

import re

from gateway.domain.codec import Draft

FIELDS = ("reasoning_effort", "reasoning_format", "include_reasoning", "disable_reasoning")

_REASONS = re.compile(r"think|reason|[-_]r1|qwq|magistral|nemotron|o\d-|gpt-oss", re.IGNORECASE)
_BEDROCK_OWNER = re.compile(r"^(?:[a-z-]+\.)?(?:meta|mistral|anthropic|amazon|cohere|google)\.")
_DOES_NOT = re.compile(
    r"(?:gpt-(?:3\.5|35|4)|chatgpt-|gpt-5(?:\.\d+)?-chat|davinci|babbage"  # OpenAI
    r"|llama|codellama"  # Meta
    r"|mistral-(?:large|tiny|nemo|saba|7b|small-(?:2[45]\d\d|24b|3))|mi[sx]tral-8x|mixtral|ministral|codestral|devstral"
    r"|pixtral|voxtral|open-mi[sx]tral"  # Mistral
    r"|gemini-(?:1|2\.0)|gemma|learnlm"  # Google
    r"|claude-(?:2|instant|3-(?:5-)?(?:opus|sonnet|haiku))"  # Anthropic
    r"|command-r|kimi-k2-instruct|qwen-?2|qwen-?3[a-z0-9-]*-instruct|qwen-3-coder|deepseek-v3-0324|nova-(?:lite|micro|pro)"
    r"|allam|phi-[34])",
    re.IGNORECASE,
)


def reasons(model: str) -> bool:
    """Whether the model reasons, as far as is known."""
    name = _BEDROCK_OWNER.sub("", model.rpartition("/")[2].removeprefix("ft:").lower())
    return _REASONS.search(name) is not None or _DOES_NOT.match(name) is None


def leave_out_reasoning_fields(body: Draft) -> None:
    """Leaves out the reasoning fields for a model that does not reason."""
    if any(name in body.fields for name in FIELDS) and not reasons(body.model):
        for name in FIELDS:
            body.drop(name)
