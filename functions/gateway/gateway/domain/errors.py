"""What can go wrong with a call, as facts. `answers` gives each its HTTP status."""

from collections.abc import Sequence

from gateway.domain.call import Target


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


class NoTargetAllowed(CallRefused):
    """The call is under zero retention, and its policy allows none of its targets."""


class RouteUnknown(CallRefused):
    """There is nothing at this path."""


class MethodRefused(CallRefused):
    """There is something at this path, but not for this method."""


class KeysUnavailable(GatewayError):
    """The store of keys did not answer, so nobody can be let in."""


class UpstreamFailure(Exception):
    """One target did not answer as it should. The text is for traces and errors; secrets are already scrubbed.

    `fact` is the text without the provider's own words, which may repeat what the caller said. `may_repeat`: whether
    the same target may do better a moment later. `blames_target`: whether the next call would fare no better there.
    """

    may_repeat: bool = True
    blames_target: bool = True

    def __init__(self, target: Target, message: str, *, fact: str | None = None) -> None:
        super().__init__(message)
        self.target = target
        self.message = message
        self.fact = fact or message


class ConnectFailed(UpstreamFailure):
    """No connection: refused, unresolvable, TLS failed, or none in time."""


class AddressRefused(UpstreamFailure):
    """The provider's host name leads to an address that the gateway does not call."""

    may_repeat = False
    blames_target = False


_REQUESTS_FAULT = frozenset({400, 409, 413, 415, 422})
_OVER_SOON = frozenset({408, 425, 429, 498})
"""Answers below 500 that the same request need not get again. 498: Groq's flex tier has no capacity."""
_SERVERS_FAULT = 500


class UpstreamRejected(UpstreamFailure):
    """The provider answered with an error status; `said` is what it said."""

    def __init__(self, target: Target, status: int, said: str, retry_after: str | None = None) -> None:
        super().__init__(target, f"answered {status}: {said}", fact=f"answered {status}")
        self.status = status
        self.retry_after = retry_after
        self.may_repeat = status >= _SERVERS_FAULT or status in _OVER_SOON
        self.blames_target = status not in _REQUESTS_FAULT


class UpstreamReported(UpstreamFailure):
    """The provider answered 200 and then an error inside the stream or body; `said` is what it said."""

    def __init__(self, target: Target, said: str) -> None:
        super().__init__(target, said, fact="an error inside its answer")


class EmptyCompletion(UpstreamFailure):
    """The provider answered 200 and nothing to speak or act on.

    `instead`: what it did answer, where that is known.
    """

    def __init__(self, target: Target, instead: str = "", *, may_repeat: bool = True) -> None:
        super().__init__(target, instead or "the answer holds nothing to speak or act on")
        self.may_repeat = may_repeat


class UpstreamCut(UpstreamFailure):
    """The provider's answer ended before it was complete."""


class FirstTokenLate(UpstreamFailure):
    """The target sent no content within its deadline."""

    may_repeat = False

    def __init__(self, target: Target, waited_ms: float) -> None:
        super().__init__(target, f"no content within {waited_ms:.0f} ms")
        self.waited_ms = waited_ms


class AnswerLate(UpstreamFailure):
    """The target's answer stalled, or was not complete in time."""

    may_repeat = False

    def __init__(self, target: Target, message: str, *, blames_target: bool = True) -> None:
        super().__init__(target, message)
        self.blames_target = blames_target


class AttemptBroken(UpstreamFailure):
    """The gateway itself failed in its dealings with the target; the log has the reason, by the trace's id."""

    may_repeat = False
    blames_target = False

    def __init__(self, target: Target) -> None:
        super().__init__(target, "the gateway failed; the trace id tells its operator where to look")


class AllTargetsFailed(GatewayError):
    """No target answered. `failures`, one at least, in the order of the attempts."""

    def __init__(self, failures: Sequence[UpstreamFailure]) -> None:
        super().__init__(f"No target answered. {_told(failures, [failed.message for failed in failures])}")
        self.failures = tuple(failures)
        self.fact = f"No target answered. {_told(failures, [failed.fact for failed in failures])}"


def _told(failures: Sequence[UpstreamFailure], texts: Sequence[str]) -> str:
    targets = [f"{f.target.provider} ({f.target.host}, {f.target.model}): {type(f).__name__}" for f in failures]
    return "; ".join(f"{target}: {text}" for target, text in zip(targets, texts, strict=True))
