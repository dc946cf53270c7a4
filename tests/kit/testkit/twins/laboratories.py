"""Twins of DeepSeek, Mistral and xAI."""

from testkit.twins import errors, fields, history_rules, rules
from testkit.twins.dialect import Dialect, Json, Refusal, Thinking, UsagePlace, openai_usage, plain_usage
from testkit.twins.reply import Counts


def _hit_and_miss(counts: Counts) -> Json:
    completion = counts.spoken + counts.reasoning
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": completion,
        "total_tokens": counts.prompt + completion,
        "prompt_cache_hit_tokens": counts.cached,
        "prompt_cache_miss_tokens": counts.prompt - counts.cached,
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning},
    }


def _cannot_deserialise(name: str) -> Refusal:
    message = f"Failed to deserialize the JSON body into the target type: {name}: invalid value"
    return Refusal(422, message, "invalid_request_error")


DEEPSEEK = Dialect(
    name="deepseek",
    provider="deepseek",
    host="api.deepseek.com",
    base_url="https://api.deepseek.com",
    path="/v1/chat/completions",
    models=("deepseek-chat", "deepseek-reasoner"),
    thinker="deepseek-reasoner",
    rules=(
        rules.positive_limit(_cannot_deserialise),
        rules.content_or_calls(_cannot_deserialise),
        history_rules.strings_only(frozenset({"system", "user", "assistant", "tool"}), _cannot_deserialise),
        history_rules.no_functions(_cannot_deserialise),
        history_rules.names_like("[a-zA-Z0-9_-]{1,64}", _cannot_deserialise),
        rules.tool_results_have_calls(errors.BROKEN_HISTORY),
    ),
    wrong_key=Refusal(401, "Authentication Fails, Your api key is invalid", type="authentication_error"),
    unknown_model=lambda _model: Refusal(400, "Model Not Exist", "invalid_request_error"),
    usage=_hit_and_miss,
    usage_place=UsagePlace.LAST_CHUNK,
    thinking=Thinking.REASONING_CONTENT,
    comments=(b": keep-alive\n\n", b": keep-alive\n\n"),
)


def _forbidden(name: str) -> Refusal:
    return Refusal(422, "Extra inputs are not permitted", "extra_forbidden", param=name)


def _known_call_fields(body: Json) -> Refusal | None:
    for number, message in enumerate(body["messages"]):
        for position, call in enumerate(message.get("tool_calls") or ()):
            for name in call.keys() - {"id", "type", "function", "index"}:
                return _forbidden(f"messages.{number}.tool_calls.{position}.{name}")
    return None


def _wrong_call_id(call_id: str) -> Refusal:
    message = f"Tool call id was {call_id} but must be a-z, A-Z, 0-9, with a length of 9."
    return Refusal(400, message, "3280", "invalid_function_call")


def _out_of_order(message: str) -> Refusal:
    return Refusal(400, message, "3230", "invalid_request_message_order")


MISTRAL = Dialect(
    name="mistral",
    provider="mistral",
    host="api.mistral.ai",
    base_url="https://api.mistral.ai/v1",
    path="/v1/chat/completions",
    models=("mistral-medium-latest", "magistral-medium-latest"),
    thinker="magistral-medium-latest",
    rules=(
        rules.only_fields(fields.MISTRAL_FIELDS, _forbidden),
        rules.only_message_fields(fields.MESSAGE_FIELDS | {"name", "prefix"}, _forbidden),
        _known_call_fields,
        rules.positive_limit(lambda name: Refusal(422, "Input should be at least 1", "greater_than", param=name)),
        rules.call_ids_like("[a-zA-Z0-9]{9}", _wrong_call_id),
        rules.not_last_assistant(
            _out_of_order(
                "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"
            )
        ),
        rules.no_system_after_answer(_out_of_order("Unexpected role 'system' after role 'assistant'")),
        rules.content_or_calls(
            lambda _name: Refusal(
                400, "Assistant message must have either content or tool_calls, but not none.", "3240"
            )
        ),
        rules.no_user_after_tool(_out_of_order("Unexpected role 'user' after role 'tool'")),
        rules.tool_results_have_calls(
            Refusal(400, "Not the same number of function calls and responses", "3230", "invalid_request_message_order")
        ),
        history_rules.no_empty_messages(
            lambda _name: Refusal(
                400, "Assistant message must have either content or tool_calls, but not none.", "3240"
            ),
            also_blank=True,
        ),
        history_rules.only_nested_fields(_forbidden),
        history_rules.no_functions(_forbidden),
        history_rules.names_like(
            "[a-zA-Z0-9_-]{1,64}",
            lambda name: Refusal(400, f"Function name at {name} must be a-z, A-Z, 0-9, or contain underscores", "3280"),
        ),
    ),
    error=errors.mistral_error,
    wrong_key=Refusal(401, "Unauthorized"),
    unknown_model=lambda model: Refusal(400, f"Invalid model: {model}", "1500", "invalid_model"),
    usage=plain_usage,
    reports_cache=False,
    reports_reasoning=False,
    usage_place=UsagePlace.LAST_CHUNK,
    thinking=Thinking.PARTS,
    whole_tool_calls=True,
    call_id=lambda number: f"Tw1nCa{number:03d}",
)


def _reasoning_outside(counts: Counts) -> Json:
    return openai_usage(counts) | {
        "completion_tokens": counts.spoken,
        "total_tokens": counts.prompt + counts.spoken + counts.reasoning,
    }


XAI = Dialect(
    name="xai",
    provider="xai",
    host="api.x.ai",
    base_url="https://api.x.ai/v1",
    path="/v1/chat/completions",
    models=("grok-4-fast",),
    rules=(
        rules.no_fields(
            frozenset({"presence_penalty", "frequency_penalty", "stop"}),
            lambda name: Refusal(400, f"Argument not supported on this model: {name}"),
        ),
        rules.positive_limit(lambda name: Refusal(400, f"Invalid request content: {name} must be positive.")),
        history_rules.no_empty_messages(
            lambda _name: Refusal(400, "Each message must have at least one content element."), also_blank=True
        ),
        history_rules.no_functions(lambda name: Refusal(400, f"Argument not supported on this model: {name}")),
        rules.tool_results_have_calls(errors.BROKEN_HISTORY),
    ),
    error=errors.xai_error,
    wrong_key=Refusal(400, "Incorrect API key provided: sk***ct. You can obtain an API key from https://console.x.ai."),
    unknown_model=lambda model: Refusal(
        404, f"The model {model} does not exist.", "Some requested entity was not found"
    ),
    usage=_reasoning_outside,
    usage_place=UsagePlace.LAST_CHUNK,
    thinking=Thinking.REASONING_CONTENT,
    whole_tool_calls=True,
)
