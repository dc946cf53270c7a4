"""Twins of OpenAI, of the clouds that resell its models, and of compatible servers (generic)."""

import re
from collections.abc import Mapping

from testkit.twins import errors, fields, history_rules, rules
from testkit.twins.dialect import Dialect, Json, Refusal, Rule, Thinking, UsagePlace, openai_usage

_REASONS = re.compile(r"(gpt-5|o\d)")


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


def _invalid_value(name: str) -> Refusal:
    return Refusal(400, f"Invalid '{name}'.", "invalid_value", param=name)


def _history_rules() -> tuple[Rule, ...]:
    return (
        history_rules.no_empty_lists(
            lambda name: Refusal(
                400,
                f"Invalid '{name}': empty array. Expected an array with minimum length 1, but got an empty array.",
                "empty_array",
                param=name,
            )
        ),
        history_rules.no_empty_messages(_invalid_value, also_blank=False),
        history_rules.only_nested_fields(_unknown_parameter, further=frozenset({"prompt_cache_breakpoint"})),
        history_rules.only_parts(frozenset({"text", "image_url", "input_audio", "file", "refusal"}), _invalid_value),
        history_rules.images_are(frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"}), _invalid_value),
        history_rules.names_like("[a-zA-Z0-9_-]{1,64}", _invalid_value, senders="[^\\s<|\\\\/>]{1,64}"),
        history_rules.chosen_tool_is_defined(_invalid_value),
        history_rules.schemas_are_objects(
            lambda name: Refusal(
                400,
                "Invalid schema for function: object schema missing properties.",
                "invalid_function_parameters",
                param=name,
            )
        ),
        history_rules.ids_within(
            40,
            lambda call_id: Refusal(
                400,
                f"string too long. Expected a string with maximum length 40, but got length {len(call_id)}.",
                "string_above_max_length",
            ),
        ),
    )


def _metadata_is_stored(body: Json) -> Refusal | None:
    if "metadata" not in body or body.get("store"):
        return None
    return Refusal(400, "The 'metadata' parameter is only allowed when 'store' is enabled.", param="metadata")


def _effort_of_reasoning_models(body: Json) -> Refusal | None:
    if "reasoning_effort" not in body or _REASONS.match(body["model"]):
        return None
    return Refusal(400, "Unrecognized request argument supplied: reasoning_effort", param="reasoning_effort")


_OPENAI_RULES: tuple[Rule, ...] = (
    rules.only_fields(fields.OPENAI_FIELDS, _unknown_parameter),
    rules.only_message_fields(
        fields.MESSAGE_FIELDS | {"name", "refusal", "audio", "function_call"}, _unknown_parameter
    ),
    rules.positive_limit(errors.below_one),
    rules.temperature_within(2, errors.too_hot),
    rules.options_only_when_streamed(errors.OPTIONS_WITHOUT_STREAM),
    rules.tool_results_have_calls(errors.BROKEN_HISTORY),
    *_history_rules(),
    _no_max_tokens,
    _default_temperature,
    _metadata_is_stored,
    _effort_of_reasoning_models,
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
        history_rules.no_empty_messages(_invalid_value, also_blank=True),
        history_rules.only_nested_fields(_unknown_parameter),
        history_rules.no_functions(_unknown_parameter),
        history_rules.names_like("[a-zA-Z0-9_-]{1,64}", _invalid_value),
        history_rules.chosen_tool_is_defined(_invalid_value),
        history_rules.arguments_are_objects(_invalid_value),
    ),
    error=_bedrock_error,
    wrong_key=Refusal(401, "Invalid API Key format: Must start with pre-defined prefix", "invalid_api_key"),
    thinking=Thinking.REASONING_CONTENT,
)


GENERIC = Dialect(
    name="generic",
    provider="generic",
    host="llm.example.com",
    base_url="https://llm.example.com/v1",
    path="/v1/chat/completions",
    models=("mira-8b", "Qwen/Qwen3.5-9B", "mistralai/Mistral-7B-Instruct-v0.3"),
    rules=(
        rules.positive_limit(lambda name: Refusal(400, f"{name} must be at least 1", type="BadRequestError")),
        rules.options_only_when_streamed(
            Refusal(400, "Stream options can only be defined when `stream=True`.", type="BadRequestError")
        ),
        rules.tool_results_have_calls(errors.BROKEN_HISTORY),
        history_rules.arguments_are_objects(
            lambda name: Refusal(400, f"{name}: Expecting value: line 1 column 1 (char 0)", type="BadRequestError")
        ),
        history_rules.one_system_first(
            Refusal(400, "System message must be at the beginning.", type="BadRequestError"),
            lambda model: model.startswith(("Qwen/Qwen3.5", "mistralai/")),
        ),
        history_rules.alternating(
            Refusal(
                400,
                "After the optional system message, conversation roles must alternate user/assistant/...",
                type="BadRequestError",
            ),
            lambda model: model.startswith("mistralai/"),
        ),
    ),
    error=errors.vllm_error,
    wrong_key=Refusal(401, "Unauthorized", type="Unauthorized"),
    unknown_model=lambda model: Refusal(404, f"The model `{model}` does not exist.", type="NotFoundError"),
    usage=openai_usage,
    usage_place=UsagePlace.EVERY_CHUNK,
    thinking=Thinking.TAGS,
)
