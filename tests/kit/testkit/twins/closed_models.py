"""Twins of Anthropic's and of Google's compatibility layer for Chat Completions."""

import re

from testkit.twins import errors, fields, history_rules, rules
from testkit.twins.anthropic import OVERLOADED
from testkit.twins.anthropic_writing import BROKEN, error
from testkit.twins.dialect import Dialect, Json, Refusal, Thinking, UsagePlace, plain_usage
from testkit.twins.reply import Counts

_SIGNATURE = "c2lnbmF0dXJlLW9mLWNhbGwt"
SKIP_SIGNATURES = "skip_thought_signature_validator"


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
        history_rules.no_empty_messages(
            lambda name: Refusal(400, f"{name}: text content blocks must be non-empty"), also_blank=True
        ),
        history_rules.names_like(
            "[a-zA-Z0-9_-]{1,128}", lambda name: Refusal(400, f"{name}: String should match pattern")
        ),
        history_rules.chosen_tool_is_defined(lambda name: Refusal(400, f"{name}: tool not found in provided tools")),
        rules.call_ids_like("[a-zA-Z0-9_-]+", lambda call_id: Refusal(400, f"tool_use.id: {call_id} should match")),
    ),
    wrong_key=Refusal(401, "invalid x-api-key", type="authentication_error"),
    wrong_path=Refusal(404, "Not found", type="not_found_error"),
    unknown_model=lambda model: Refusal(404, f"model: {model}", type="not_found_error"),
    overloaded=Refusal(503, "Overloaded", type="overloaded_error"),
    reports_cache=False,
    reports_reasoning=False,
    usage=plain_usage,
)


def _unknown_name(name: str) -> Refusal:
    field = name.rpartition(".")[2]
    message = f'Invalid JSON payload received. Unknown name "{field}": Cannot find field.'
    return Refusal(400, message, "INVALID_ARGUMENT")


def _invalid(message: str) -> Refusal:
    return Refusal(400, message, "INVALID_ARGUMENT")


def signature(number: int) -> str:
    """The thought signature that the twin sends with a turn's first call."""
    return f"{_SIGNATURE}{number}"


def _signed(body: Json) -> Refusal | None:
    """Gemini 3 requires the signature on the first of a turn's calls."""
    if not body["model"].startswith("gemini-3"):
        return None
    for message in body["messages"]:
        for call in (message.get("tool_calls") or ())[:1]:
            given = call.get("extra_content", {}).get("google", {}).get("thought_signature", "")
            if not (given.startswith(_SIGNATURE) or given == SKIP_SIGNATURES):
                return _invalid("Function call is missing a thought_signature in functionCall parts.")
    return None


def _hidden(counts: Counts) -> Json:
    """Thinking is counted in the total only."""
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": counts.spoken,
        "total_tokens": counts.prompt + counts.spoken + counts.reasoning,
        "prompt_tokens_details": {"cached_tokens": counts.cached},
    }


def _role_everywhere(chunk: Json) -> Json:
    """Gemini sends the role in every chunk, and tool calls without an index."""
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
"""What the tests need to know of it; the twin itself is in `anthropic`."""

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
        rules.calls_after_a_turn(
            _invalid("Please ensure that function call turn comes immediately after a user turn.")
        ),
        _signed,
        history_rules.no_empty_messages(
            lambda _name: _invalid("Unable to submit request because it must include a non-empty text parameter."),
            also_blank=True,
        ),
        rules.tool_results_have_calls(
            _invalid(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        ),
        history_rules.only_nested_fields(_unknown_name, further=frozenset({"extra_content"})),
        history_rules.no_functions(_unknown_name),
        history_rules.names_like(
            "[a-zA-Z_][a-zA-Z0-9_.-]{0,63}", lambda name: _invalid(f"Invalid function name at {name}.")
        ),
        history_rules.chosen_tool_is_defined(lambda name: _invalid(f"Invalid {name}.")),
        history_rules.arguments_are_objects(lambda name: _invalid(f"Invalid JSON at {name}.")),
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
