"""Error bodies whose shape differs from OpenAI's, and error texts that several providers share."""

from testkit.twins.dialect import Refusal

BROKEN_HISTORY = Refusal(
    400, "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'."
)
OPTIONS_WITHOUT_STREAM = Refusal(
    400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
)
BELOW_ONE = "Invalid '{}': integer below minimum value. Expected a value >= 1."


def below_one(name: str) -> Refusal:
    """A token limit below 1."""
    return Refusal(400, BELOW_ONE.format(name), "integer_below_min_value", param=name)


def too_hot(name: str) -> Refusal:
    """A temperature out of range."""
    return Refusal(400, f"Invalid value for '{name}'.", "invalid_value", param=name)


def google_error(refusal: Refusal) -> object:
    """Google's: an array of one."""
    violation = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": []}
    error = {"code": refusal.status, "message": refusal.message, "status": refusal.code, "details": [violation]}
    return [{"error": error}]


def cloudflare_error(refusal: Refusal) -> object:
    """Cloudflare's envelope; its codes are numbers."""
    code = refusal.code or ""
    return {
        "success": False,
        "errors": [{"code": int(code) if code.isdigit() else 5000, "message": refusal.message}],
        "messages": [],
        "result": {},
    }


def mistral_error(refusal: Refusal) -> object:
    """Mistral's: a list of details where a field is refused, else a sentence."""
    if refusal.status == 401:
        return {"detail": refusal.message}
    message: object = refusal.message
    if refusal.param is not None:
        place = ["body", *(int(part) if part.isdigit() else part for part in refusal.param.split("."))]
        message = {"detail": [{"type": refusal.code, "loc": place, "msg": refusal.message, "input": None}]}
    return {
        "object": "error",
        "message": message,
        "type": refusal.type,
        "param": None,
        "code": None if refusal.param else refusal.code,
        "raw_status_code": refusal.status,
    }


def xai_error(refusal: Refusal) -> object:
    """xAI's: `code` and `error` are both sentences."""
    return {"code": refusal.code or "Client specified an invalid argument", "error": refusal.message}


def cerebras_error(refusal: Refusal) -> object:
    """Cerebras': OpenAI's fields without the envelope."""
    return {"message": refusal.message, "type": refusal.type, "param": refusal.param, "code": refusal.code}


def openrouter_error(refusal: Refusal) -> object:
    """OpenRouter's: the code is the HTTP status, a number."""
    return {"error": {"message": refusal.message, "code": refusal.status}, "user_id": "user_2twin"}


def openrouter_in_band(refusal: Refusal) -> object:
    """OpenRouter's error in mid-stream: a chunk that carries both an error and a finish reason."""
    return {
        "id": "gen-1795176000-twin",
        "object": "chat.completion.chunk",
        "created": 1_795_176_000,
        "model": "openrouter/auto",
        "provider": "Twin",
        "error": {"code": refusal.status, "message": refusal.message},
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "error"}],
    }


def vllm_error(refusal: Refusal) -> object:
    """vLLM's: OpenAI's fields without the envelope, and the status as the code."""
    return {
        "object": "error",
        "message": refusal.message,
        "type": refusal.type,
        "param": refusal.param,
        "code": refusal.status,
    }
