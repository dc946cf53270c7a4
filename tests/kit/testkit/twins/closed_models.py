"""Twins of those who serve their own closed models, and of the clouds that resell them."""

import re
from collections.abc import Mapping

from testkit.twins import errors, fields, rules
from testkit.twins.anthropic import OVERLOADED
from testkit.twins.anthropic_writing import BROKEN, error
from testkit.twins.dialect import Dialect, Json, Refusal, Rule, Thinking, UsagePlace, openai_usage, plain_usage
from testkit.twins.reply import Counts

_REASONS = re.compile(r"(gpt-5|o\d)")
_SIGNATURE = "c2lnbmF0dXJlLW9mLWNhbGwt"
SKIP_SIGNATURES = "skip_thought_signature_validator"


def _unknown_parameter(name: str) -> Refusal:
    return Refusal(400, f"Unknown parameter: '{name}'.", "unknown_parameter", param=name)


def _no_max_tokens(body: Json) -> Refusal | None:
    if "max_tokens" not in body or not _REASONS.match(body["model"]):
        return None
    return Refusal(
        400,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "unsupported_parameter",
        param="max_tokens",
    )


def _default_temperature(body: Json) -> Refusal | None:
    if body.get("temperature", 1) == 1 or not _REASONS.match(body["model"]):
        return None
    return Refusal(
        400,
        f"Unsupported value: 'temperature' does not support {body['temperature']} with this model. "
        "Only the default (1) value is supported.",
        "unsupported_value",
        param="temperature",
    )


_OPENAI_RULES: tuple[Rule, ...] = (
    rules.only_fields(fields.OPENAI_FIELDS, _unknown_parameter),
    rules.only_message_fields(
        fields.MESSAGE_FIELDS | {"name", "refusal", "audio", "function_call"}, _unknown_parameter
    ),
    rules.positive_limit(errors.below_one),
    rules.temperature_within(2, errors.too_hot),
    rules.options_only_when_streamed(errors.OPTIONS_WITHOUT_STREAM),
    rules.tool_results_have_calls(errors.BROKEN_HISTORY),
    _no_max_tokens,
    _default_temperature,
)


def _obfuscated(chunk: Json) -> Json:
    return chunk | {"service_tier": "default", "system_fingerprint": None, "obfuscation": "x" * 7}


OPENAI = Dialect(
    name="openai",
    provider="openai",
    host="api.openai.com",
    base_url="https://api.openai.com/v1",
    path="/v1/chat/completions",
    models=("gpt-4.1", "gpt-4.1-mini", "gpt-5.1", "o3"),
    rules=_OPENAI_RULES,
    wrong_path=Refusal(404, "Invalid URL (POST /v1)", None),
    chunk=_obfuscated,
)


def _azure_key(headers: Mapping[str, str]) -> str | None:
    return headers.get("api-key")


def _azure_error(refusal: Refusal) -> object:
    return {"error": {"code": refusal.code or str(refusal.status), "message": refusal.message, "param": refusal.param}}


def _filtered(chunk: Json) -> Json:
    choices = [choice | {"content_filter_results": {}} for choice in chunk["choices"]]
    return chunk | {"choices": choices, "system_fingerprint": "fp_twin"}


AZURE = Dialect(
    name="azure",
    provider="azure",
    host="practice.openai.azure.com",
    base_url="https://practice.openai.azure.com/openai/deployments/mira?api-version=2025-04-01-preview",
    path="/openai/deployments/mira/chat/completions?api-version=2025-04-01-preview",
    models=("gpt-4.1",),
    key_of=_azure_key,
    rules=_OPENAI_RULES,
    error=_azure_error,
    wrong_key=Refusal(
        401,
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
        "active subscription and use a correct regional API endpoint for your resource.",
        "401",
    ),
    wrong_path=Refusal(404, "Resource not found", "404"),
    preamble=(
        {
            "choices": [],
            "created": 0,
            "id": "",
            "model": "",
            "object": "",
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
        },
    ),
    chunk=_filtered,
)


def _bedrock_error(refusal: Refusal) -> object:
    return {"error": {"message": refusal.message, "type": refusal.type, "param": None, "code": refusal.code}}


BEDROCK = Dialect(
    name="bedrock",
    provider="bedrock",
    host="bedrock-runtime.eu-central-1.amazonaws.com",
    base_url="https://bedrock-runtime.eu-central-1.amazonaws.com/openai/v1",
    path="/openai/v1/chat/completions",
    models=("openai.gpt-oss-120b-1:0",),
    rules=(
        rules.only_fields(fields.OPENAI_FIELDS, _unknown_parameter),
        rules.positive_limit(errors.below_one),
        rules.options_only_when_streamed(errors.OPTIONS_WITHOUT_STREAM),
        rules.tool_results_have_calls(errors.BROKEN_HISTORY),
    ),
    error=_bedrock_error,
    wrong_key=Refusal(401, "Invalid API Key format: Must start with pre-defined prefix", "invalid_api_key"),
    thinking=Thinking.REASONING_CONTENT,
)


def _refuses_prefill(model: str) -> bool:
    """Claude 4.6 and later."""
    version = re.fullmatch(r"claude-[a-z]+-(\d+)-(\d+)(-.*)?", model)
    return version is not None and (int(version[1]), int(version[2])) >= (4, 6)


ANTHROPIC_LAYER = Dialect(
    name="anthropic-openai",
    provider="anthropic",
    host="api.anthropic.com",
    base_url="https://api.anthropic.com",
    path="/v1/chat/completions",
    models=("claude-sonnet-4-6", "claude-opus-4-6", "claude-haiku-4-5"),
    rules=(
        rules.some_message_but_system(Refusal(400, "messages: at least one message is required")),
        rules.not_last_assistant(
            Refusal(
                400,
                "This model does not support assistant message prefill. The conversation must end with a user message.",
            ),
            _refuses_prefill,
        ),
        rules.begins_with_user(Refusal(400, 'messages: first message must use the "user" role')),
        rules.positive_limit(lambda name: Refusal(400, f"{name}: Input should be greater than or equal to 1")),
        rules.tool_results_have_calls(
            Refusal(400, "messages: `tool_use` ids were found without `tool_result` blocks immediately after")
        ),
    ),
    wrong_key=Refusal(401, "invalid x-api-key", type="authentication_error"),
    wrong_path=Refusal(404, "Not found", type="not_found_error"),
    unknown_model=lambda model: Refusal(404, f"model: {model}", type="not_found_error"),
    overloaded=Refusal(503, "Overloaded", type="overloaded_error"),
    tells_cache=False,
    tells_reasoning=False,
    usage=plain_usage,
)


def _unknown_name(name: str) -> Refusal:
    field = name.rpartition(".")[2]
    message = f'Invalid JSON payload received. Unknown name "{field}": Cannot find field.'
    return Refusal(400, message, "INVALID_ARGUMENT")


def _invalid(message: str) -> Refusal:
    return Refusal(400, message, "INVALID_ARGUMENT")


def signature(number: int) -> str:
    """The thought signature that the twin gives with a turn's first call."""
    return f"{_SIGNATURE}{number}"


def _signed(body: Json) -> Refusal | None:
    """Gemini 3 wants the signature back on the first of a turn's calls."""
    if not body["model"].startswith("gemini-3"):
        return None
    for message in body["messages"]:
        for call in (message.get("tool_calls") or ())[:1]:
            given = call.get("extra_content", {}).get("google", {}).get("thought_signature", "")
            if not (given.startswith(_SIGNATURE) or given == SKIP_SIGNATURES):
                return _invalid("Function call is missing a thought_signature in functionCall parts.")
    return None


def _hidden(counts: Counts) -> Json:
    """Thinking shows in the total alone."""
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": counts.spoken,
        "total_tokens": counts.prompt + counts.spoken + counts.reasoning,
        "prompt_tokens_details": {"cached_tokens": counts.cached},
    }


def _role_everywhere(chunk: Json) -> Json:
    """Gemini says who speaks in every chunk, and counts no tool calls."""
    for choice in chunk["choices"]:
        choice["delta"]["role"] = "assistant"
        for call in choice["delta"].get("tool_calls", ()):
            del call["index"]
    return chunk


def _sign(call: Json, number: int) -> Json:
    return call if number else call | {"extra_content": {"google": {"thought_signature": signature(number)}}}


ANTHROPIC_NATIVE = Dialect(
    name="anthropic",
    provider="anthropic",
    host="api.anthropic.com",
    base_url="https://api.anthropic.com",
    headers={"x-inference-provider": "anthropic"},
    path="/v1/messages",
    models=("claude-sonnet-4-6", "claude-opus-4-6", "claude-haiku-4-5"),
    overloaded=OVERLOADED,
    in_band_error=lambda _refusal: error(BROKEN),
    usage_place=UsagePlace.MESSAGES,
    thinking=Thinking.BLOCKS,
)
"""What the tests need to know of it; it answers for itself, in `anthropic`."""

GOOGLE = Dialect(
    name="google",
    provider="google",
    host="generativelanguage.googleapis.com",
    base_url="https://generativelanguage.googleapis.com/v1beta/openai/",
    path="/v1beta/openai/chat/completions",
    models=("gemini-3-flash-preview", "gemini-2.5-flash"),
    rules=(
        rules.only_fields(fields.CHAT_FIELDS - {"user", "seed"} | {"reasoning_effort", "extra_body"}, _unknown_name),
        rules.only_message_fields(fields.MESSAGE_FIELDS | {"name", "extra_content"}, _unknown_name),
        rules.positive_limit(lambda _name: _invalid("max_output_tokens must be positive.")),
        rules.some_message_but_system(_invalid("* GenerateContentRequest.contents: contents is not specified")),
        rules.not_last_assistant(
            _invalid("Please ensure that multiturn requests end with a user role or a function response.")
        ),
        rules.calls_after_somebody(
            _invalid("Please ensure that function call turn comes immediately after a user turn.")
        ),
        _signed,
    ),
    error=errors.google_error,
    wrong_key=_invalid("API key not valid. Please pass a valid API key."),
    wrong_path=Refusal(404, "The requested URL was not found on this server.", "NOT_FOUND"),
    unknown_model=lambda model: Refusal(404, f"models/{model} is not found for API version v1main.", "NOT_FOUND"),
    overloaded=Refusal(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"),
    usage=_hidden,
    usage_place=UsagePlace.LAST_CHUNK,
    begins_with_role=False,
    chunk=_role_everywhere,
    whole_tool_calls=True,
    call_id=lambda number: f"function-call-{number}" if number % 2 else None,
    tool_call=_sign,
    tool_finish="stop",
)

GENERIC = Dialect(
    name="generic",
    provider="generic",
    host="llm.example.com",
    base_url="https://llm.example.com/v1",
    path="/v1/chat/completions",
    models=("mira-8b",),
    rules=(
        rules.positive_limit(lambda name: Refusal(400, f"{name} must be at least 1", type="BadRequestError")),
        rules.options_only_when_streamed(
            Refusal(400, "Stream options can only be defined when `stream=True`.", type="BadRequestError")
        ),
        rules.tool_results_have_calls(errors.BROKEN_HISTORY),
    ),
    error=errors.vllm_error,
    wrong_key=Refusal(401, "Unauthorized", type="Unauthorized"),
    unknown_model=lambda model: Refusal(404, f"The model `{model}` does not exist.", type="NotFoundError"),
    usage=openai_usage,
    usage_place=UsagePlace.EVERY_CHUNK,
    thinking=Thinking.TAGS,
)
