"""Twins of the providers that host open models."""

from testkit.twins import errors, fields, history_rules, rules
from testkit.twins.dialect import Dialect, Json, Refusal, Thinking, UsagePlace, openai_error, openai_usage, plain_usage
from testkit.twins.reply import Counts


def _groq_unsupported(name: str) -> Refusal:
    place, _, field = name.rpartition(".")
    if place:
        return Refusal(400, f"'{place}' : property '{field}' is unsupported")
    return Refusal(400, f"property '{field}' is unsupported")


def _one_choice(body: Json) -> Refusal | None:
    return None if body.get("n", 1) == 1 else Refusal(400, "'n' : number must be at most 1")


def _timed(counts: Counts) -> Json:
    return openai_usage(counts) | {
        "queue_time": 0.002,
        "prompt_time": 0.01,
        "completion_time": 0.06,
        "total_time": 0.07,
    }


GROQ = Dialect(
    name="groq",
    provider="groq",
    host="api.groq.com",
    base_url="https://api.groq.com/openai/v1",
    path="/openai/v1/chat/completions",
    models=("llama-3.3-70b-versatile", "meta-llama/llama-4-scout-17b-16e-instruct"),
    rules=(
        rules.no_fields(frozenset({"logprobs", "logit_bias", "top_logprobs"}), _groq_unsupported),
        rules.only_fields(
            fields.OPENAI_FIELDS | {"include_reasoning", "reasoning_format", "documents", "search_settings"},
            _groq_unsupported,
        ),
        rules.only_message_fields(fields.MESSAGE_FIELDS | {"reasoning"}, _groq_unsupported),
        rules.positive_limit(lambda name: Refusal(400, f"'{name}' : number must be at least 1", param=name)),
        rules.tool_results_have_calls(errors.BROKEN_HISTORY),
        history_rules.strings_only(
            frozenset({"system", "developer", "assistant", "tool"}),
            lambda name: Refusal(400, f"'{name}' : value must be a string"),
        ),
        history_rules.no_empty_messages(lambda name: Refusal(400, f"'{name}' : is missing"), also_blank=False),
        history_rules.only_nested_fields(_groq_unsupported),
        history_rules.names_like("[a-zA-Z0-9_-]{1,64}", lambda name: Refusal(400, f"'{name}' : is invalid")),
        history_rules.chosen_tool_is_defined(lambda name: Refusal(400, f"'{name}' : tool not found")),
        history_rules.arguments_are_objects(lambda name: Refusal(400, f"'{name}' : must be a JSON object")),
        _one_choice,
    ),
    wrong_key=Refusal(401, "Invalid API Key", "invalid_api_key"),
    wrong_path=Refusal(404, "Unknown request URL: POST. Please check the URL for typos.", "unknown_url"),
    overloaded=Refusal(429, "Rate limit reached for model", "rate_limit_exceeded", "requests"),
    usage=_timed,
    usage_place=UsagePlace.X_GROQ,
    thinking=Thinking.REASONING,
    whole_tool_calls=True,
)

TOGETHER = Dialect(
    name="together",
    provider="together",
    host="api.together.xyz",
    base_url="https://api.together.xyz/v1",
    path="/v1/chat/completions",
    models=("meta-llama/Meta-Llama-3.1-70B-Instruct-Turbo", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
    rules=(
        rules.positive_limit(lambda name: Refusal(400, f"{name} must be at least 1", "invalid_value", param=name)),
        rules.tool_results_have_calls(errors.BROKEN_HISTORY),
    ),
    wrong_key=Refusal(401, "Invalid API key provided.", "invalid_api_key"),
    unknown_model=lambda model: Refusal(404, f"Unable to access model {model}.", "model_not_available"),
    usage=plain_usage,
    reports_cache=False,
    reports_reasoning=False,
    usage_place=UsagePlace.LAST_CHUNK,
    thinking=Thinking.TAGS,
)


def _bad_input(number: int, found: str) -> Refusal:
    message = f"AiError: Bad input: Error: oneOf at '/' not met: Type mismatch of '/messages/{number}/content', "
    return Refusal(400, f"{message}'string' not in '{found}'", "5006")


def _bare(chunk: Json) -> Json:
    """Workers AI leaves out the index and role of choices, and the finish reason until the last chunk."""
    choices = [
        {"delta": {name: value for name, value in choice["delta"].items() if name != "role"}}
        | ({"finish_reason": choice["finish_reason"]} if choice["finish_reason"] else {})
        for choice in chunk["choices"]
    ]
    return chunk | {"choices": choices}


CLOUDFLARE = Dialect(
    name="cloudflare",
    provider="cloudflare",
    host="api.cloudflare.com",
    base_url="https://api.cloudflare.com/client/v4/accounts/0a1b2c3d/ai/v1/",
    path="/client/v4/accounts/0a1b2c3d/ai/v1/chat/completions",
    models=("@cf/meta/llama-3.3-70b-instruct-fp8-fast", "@cf/deepseek-ai/deepseek-r1-distill-qwen-32b"),
    thinker="@cf/deepseek-ai/deepseek-r1-distill-qwen-32b",
    rules=(
        rules.content_is_text(_bad_input),
        history_rules.no_functions(lambda name: Refusal(400, f"AiError: Bad input: '/{name}'", "5006")),
        rules.positive_limit(lambda name: Refusal(400, f"AiError: Bad input: '/{name}' is less than 1", "5006")),
    ),
    error=errors.cloudflare_error,
    wrong_key=Refusal(401, "Authentication error", "10000"),
    wrong_path=Refusal(404, "No route for that URI", "7000"),
    unknown_model=lambda model: Refusal(400, f"No such model {model} or task", "5007"),
    overloaded=Refusal(429, "Capacity temporarily exceeded, please try again.", "3040"),
    usage=plain_usage,
    reports_cache=False,
    reports_reasoning=False,
    usage_place=UsagePlace.LAST_CHUNK,
    thinking=Thinking.TAGS,
    begins_with_role=False,
    chunk=_bare,
    whole_tool_calls=True,
)


def _wrong_format(name: str) -> Refusal:
    place = name if name.startswith("messages.") else f"body.{name}"
    message = f"{place}: property '{place}' is unsupported"
    return Refusal(400, message, "wrong_api_format", param="validation_error")


CEREBRAS = Dialect(
    name="cerebras",
    provider="cerebras",
    host="api.cerebras.ai",
    base_url="https://api.cerebras.ai/v1",
    path="/v1/chat/completions",
    models=("gpt-oss-120b", "llama3.1-8b"),
    rules=(
        rules.only_fields(
            fields.CHAT_FIELDS | {"logprobs", "top_logprobs", "reasoning_effort", "frequency_penalty", "logit_bias"},
            _wrong_format,
        ),
        rules.only_message_fields(fields.MESSAGE_FIELDS | {"name", "reasoning"}, _wrong_format),
        rules.positive_limit(_wrong_format),
        rules.tool_results_have_calls(errors.BROKEN_HISTORY),
        history_rules.only_nested_fields(_wrong_format),
        history_rules.no_functions(_wrong_format),
        history_rules.no_empty_messages(_wrong_format, also_blank=False),
    ),
    error=errors.cerebras_error,
    in_band_error=openai_error,
    wrong_key=Refusal(401, "Wrong API Key", "wrong_api_key", param="api_key"),
    overloaded=Refusal(429, "We're experiencing high traffic right now!", "queue_exceeded", "too_many_requests_error"),
    usage_place=UsagePlace.LAST_CHUNK,
    thinking=Thinking.REASONING,
)

FIREWORKS = Dialect(
    name="fireworks",
    provider="fireworks",
    host="api.fireworks.ai",
    base_url="https://api.fireworks.ai/inference/v1",
    path="/inference/v1/chat/completions",
    models=("accounts/fireworks/models/llama-v3p3-70b-instruct",),
    rules=(
        rules.no_fields(
            frozenset({"elevenlabs_extra_body", "user_id"}),
            lambda name: Refusal(400, f"Extra inputs are not permitted, field: '{name}'"),
        ),
        rules.positive_limit(lambda name: Refusal(400, f"{name} must be at least 1")),
        rules.tool_results_have_calls(errors.BROKEN_HISTORY),
    ),
    wrong_key=Refusal(401, "The API key you provided is invalid.", "UNAUTHORIZED"),
    unknown_model=lambda _model: Refusal(404, "Model not found, inaccessible, and/or not deployed", "NOT_FOUND"),
    usage=lambda counts: plain_usage(counts) | {"prompt_tokens_details": {"cached_tokens": counts.cached}},
    reports_reasoning=False,
    usage_place=UsagePlace.LAST_CHUNK,
    thinking=Thinking.TAGS,
)


def _routed(chunk: Json) -> Json:
    return chunk | {"provider": "Twin"}


OPENROUTER = Dialect(
    name="openrouter",
    provider="openrouter",
    host="openrouter.ai",
    base_url="https://openrouter.ai/api/v1",
    path="/api/v1/chat/completions",
    models=("meta-llama/llama-3.3-70b-instruct",),
    rules=(
        rules.positive_limit(lambda name: Refusal(400, f"{name}: Too small: expected number to be >=1")),
        rules.tool_results_have_calls(errors.BROKEN_HISTORY),
        history_rules.no_empty_messages(lambda name: Refusal(400, f"{name}: must not be empty"), also_blank=True),
        history_rules.names_like("[a-zA-Z0-9_-]{1,64}", lambda name: Refusal(400, f"{name}: Invalid string")),
    ),
    error=errors.openrouter_error,
    in_band_error=errors.openrouter_in_band,
    wrong_key=Refusal(401, "User not found."),
    unknown_model=lambda model: Refusal(400, f"{model} is not a valid model ID"),
    overloaded=Refusal(502, "Provider returned error"),
    usage=lambda counts: openai_usage(counts) | {"cost": 0.000123, "is_byok": False},
    usage_place=UsagePlace.OWN_CHUNK,
    thinking=Thinking.REASONING,
    comments=(b": OPENROUTER PROCESSING\n\n", b": OPENROUTER PROCESSING\n\n"),
    chunk=_routed,
)
