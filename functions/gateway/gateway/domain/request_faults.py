"""Tells errors of the request, which every repetition would get again, from failures of the provider."""

from switchboard.stream.provider_errors import InBandError

_STATUSES = frozenset({"400", "404", "409", "413", "415", "422"})
_CODES = frozenset(
    {"bad_request", "badrequest", "badrequesterror", "bad_request_error", "failed_precondition", "out_of_range"}
    | {"context_window_exceeded", "contextwindowexceedederror", "request_too_large", "not_found_error"}
    | {"model_not_found", "content_filter", "content_policy_violation", "unsupported_parameter", "unsupported_value"}
    | {"string_above_max_length", "array_above_max_length", "validation_error", "validationexception"}
)
_BEGINNINGS = ("invalid_", "context_length", "content_policy")
_ABOUT_KEYS = frozenset({"invalid_api_key", "invalid_authentication"})


def is_request_fault(error: InBandError) -> bool:
    """Whether an error inside an answer is the request's fault, by its code or type, whatever their case."""
    code = (error.code or error.kind or "").lower()
    if code in _ABOUT_KEYS:
        return False
    return code in _STATUSES or code in _CODES or code.startswith(_BEGINNINGS)
