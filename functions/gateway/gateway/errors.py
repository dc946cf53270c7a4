"""What can go wrong with a call, as facts. `answers` gives each its HTTP status."""

from gateway.call import Target
from switchboard.trace import Attempt


class GatewayError(Exception):
    """A call that ends without an answer. Its text is for the caller: one sentence on what to do, no secret in it."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class CallRefused(GatewayError):
    """The gateway itself says no, before any provider is called."""


class BodyMalformed(CallRefused):
    """The body is not JSON, or a field is missing or of a wrong type (`param` names it)."""


class HeaderMalformed(CallRefused):
    """A header's value cannot be used (`param` names the header)."""


class ProviderUnknown(CallRefused):
    """Neither a header nor the model's name says where to send the call."""


class ProviderKeyMissing(CallRefused):
    """No key came with the call and none is stored for the provider."""


class BodyTooLarge(CallRefused):
    """The body is longer than the gateway accepts."""


class KeyMissing(CallRefused):
    """No gateway key came with the call."""


class KeyUnknown(CallRefused):
    """The gateway key is not one of ours."""


class KeyRevoked(CallRefused):
    """The gateway key was one of ours."""


class ScopeMissing(CallRefused):
    """The gateway key may not do this."""


class ProviderUrlRefused(CallRefused):
    """The provider URL names a place that the gateway does not call."""


class RouteUnknown(CallRefused):
    """There is nothing at this path."""


class MethodRefused(CallRefused):
    """There is something at this path, but not for this method."""


class KeysUnavailable(GatewayError):
    """The store of keys did not answer, so nobody can be let in."""


class UpstreamFailure(Exception):
    """One target did not answer as it should. The text is for traces and errors; secrets are already scrubbed."""

    def __init__(self, target: Target, message: str) -> None:
        super().__init__(message)
        self.target = target
        self.message = message


class ConnectFailed(UpstreamFailure):
    """No connection: refused, unresolvable, TLS failed, or none in time."""


class AddressRefused(UpstreamFailure):
    """The provider's host name leads to an address that the gateway does not call."""


class UpstreamRejected(UpstreamFailure):
    """The provider answered with an error status."""

    def __init__(self, target: Target, status: int, message: str, retry_after: str | None = None) -> None:
        super().__init__(target, message)
        self.status = status
        self.retry_after = retry_after


class UpstreamReported(UpstreamFailure):
    """The provider answered 200 and then an error inside the stream or body."""


class EmptyCompletion(UpstreamFailure):
    """The provider answered 200 and nothing to speak or act on."""


class UpstreamCut(UpstreamFailure):
    """The provider's answer ended before it was complete."""


class FirstTokenLate(UpstreamFailure):
    """The target sent no content within its deadline."""

    def __init__(self, target: Target, waited_ms: int) -> None:
        super().__init__(target, f"no content within {waited_ms} ms")
        self.waited_ms = waited_ms


class AnswerLate(UpstreamFailure):
    """The target's answer stalled, or was not complete in time."""


class AllTargetsFailed(GatewayError):
    """No target answered. `last` decides the status; `attempts` say how each did."""

    def __init__(self, last: UpstreamFailure, attempts: tuple[Attempt, ...]) -> None:
        tried = "; ".join(f"{a.provider} ({a.host}, {a.model}): {a.outcome}: {a.error}" for a in attempts)
        super().__init__(f"No target answered. {tried}")
        self.last = last
        self.attempts = attempts
