"""Why a request gets no answer, as facts. `answers.KINDS` gives each its HTTP status."""


class ReadRefused(Exception):
    """A request that is not answered. Its text is for the caller: what to do, no secret in it."""

    def __init__(self, message: str, *, param: str | None = None, key_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.key_id = key_id


class ParameterInvalid(ReadRefused):
    """A query parameter is unknown, or its value cannot be used (`param` names it)."""


class KeyMissing(ReadRefused):
    """No gateway key came with the request."""


class KeyUnknown(ReadRefused):
    """The gateway key is not one of ours."""


class KeyRevoked(ReadRefused):
    """The gateway key was one of ours."""


class ScopeMissing(ReadRefused):
    """The gateway key may not do this."""


class TraceUnknown(ReadRefused):
    """The key's project has no such trace."""


class BodyNotKept(ReadRefused):
    """The trace is there, the body that was asked for is not."""


class PolicyRefused(ReadRefused):
    """The body is no policy (`param` names the first field at fault)."""


class PolicyUnknown(ReadRefused):
    """The policy that was to be deleted is not there."""


class TooManyPolicies(ReadRefused):
    """As many tasks have a policy as may have one."""


class BodyTooLarge(ReadRefused):
    """The request's body has more bytes than any policy."""


class RouteUnknown(ReadRefused):
    """There is nothing at this path."""


class MethodRefused(ReadRefused):
    """There is something at this path, but not for this method."""


class AnswerTooLong(ReadRefused):
    """The answer does not fit through the door it would have to leave by."""


class ReadsUnavailable(ReadRefused):
    """The store did not answer."""


class ConsoleFailed(ReadRefused):
    """The fault is the console's own; the reason is in its log."""
