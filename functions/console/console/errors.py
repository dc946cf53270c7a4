"""The reasons why a request is refused. `answers.KINDS` gives each its HTTP status."""


class ReadRefused(Exception):
    """The request is refused. The message is for the caller, says what to do, and has no secrets."""

    def __init__(self, message: str, *, param: str | None = None, key_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.key_id = key_id


class ParameterInvalid(ReadRefused):
    """A query parameter is unknown or invalid (`param` names it)."""


class KeyMissing(ReadRefused):
    """The request has no gateway key."""


class KeyUnknown(ReadRefused):
    """The gateway key does not exist."""


class KeyRevoked(ReadRefused):
    """The gateway key was revoked."""


class ScopeMissing(ReadRefused):
    """The gateway key lacks the required scope."""


class TraceUnknown(ReadRefused):
    """The key's project has no such trace."""


class ConversationUnknown(ReadRefused):
    """The key's project has no such conversation."""


class BodyNotKept(ReadRefused):
    """The trace exists, but the requested body was not stored."""


class PolicyRefused(ReadRefused):
    """The body is not a valid policy (`param` names the first invalid field)."""


class PolicyUnknown(ReadRefused):
    """The policy to delete does not exist."""


class TooManyPolicies(ReadRefused):
    """The maximum number of tasks has a policy."""


class PriceRefused(ReadRefused):
    """The body is not a valid price."""


class PriceUnknown(ReadRefused):
    """The price to delete does not exist."""


class PriceConflict(ReadRefused):
    """There is another price of the same model from the same time on."""


class TooManyPrices(ReadRefused):
    """The project has the maximum number of prices."""


class BodyTooLarge(ReadRefused):
    """The request body is larger than a policy or a price may be."""


class RouteUnknown(ReadRefused):
    """No route has this path."""


class MethodRefused(ReadRefused):
    """The route does not support this method."""


class AnswerTooLong(ReadRefused):
    """The answer exceeds Lambda's response limit."""


class ReadsUnavailable(ReadRefused):
    """The store did not respond."""


class ConsoleFailed(ReadRefused):
    """The console has a bug; the reason is in its log."""
