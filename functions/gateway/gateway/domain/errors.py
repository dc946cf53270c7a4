"""What can go wrong with a call, as facts. `api/error_answers.py` gives each its HTTP status."""

from collections.abc import Sequence
from typing import ClassVar

from gateway.domain.call import Target
from gateway.domain.error_names import NO_NAMES, ErrorNames


class GatewayError(Exception):
    """A call that ends without an answer. Its text is for the caller: it says what to do and holds no secret."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class CallRefused(GatewayError):
    """The gateway refuses the call before any provider is called."""


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


class EncodingUnsupported(CallRefused):
    """The body is compressed in a way that the gateway does not read."""


class KeyMissing(CallRefused):
    """No gateway key came with the call."""


class KeyUnknown(CallRefused):
    """The gateway key is unknown."""


class KeyRevoked(CallRefused):
    """The gateway key has been revoked."""


class ScopeMissing(CallRefused):
    """The gateway key lacks the scope that the request needs."""


class ProviderUrlRefused(CallRefused):
    """The provider URL leads to an address that the gateway does not call."""


class NoTargetAllowed(CallRefused):
    """The call is under zero retention, and its policy allows none of its targets."""


class RouteUnknown(CallRefused):
    """No route has this path."""


class MethodRefused(CallRefused):
    """The path has a route, but not for this method."""


class KeysUnavailable(GatewayError):
    """The store of keys did not answer, so no key can be checked."""


class UpstreamFailure(Exception):
    """One target did not answer as it should. The text is for traces and errors; secrets are already scrubbed.

    `kind` is the attempt's outcome in traces, logs and error texts: users filter by it, so it never changes. `message`
    is for the operator, `told` for the caller; `fact` is the text without the provider's own words, which may repeat
    the caller's. `may_repeat`: whether the same target may succeed a moment later. `is_slip`: only one repetition is
    worth it. `blames_target`: whether the next call is likely to fail there too. `ends_call`: whether no further
    request is sent for the call.
    """

    kind: ClassVar[str]
    may_repeat: bool = True
    is_slip: bool = False
    blames_target: bool = True
    ends_call: bool = False
    status: int | None = None
    names: ErrorNames = NO_NAMES
    retry_after_ms: float | None = None

    def __init__(self, target: Target, message: str, *, fact: str | None = None) -> None:
        super().__init__(message)
        self.target = target
        self.message = message
        self.fact = fact or message
        self.told = message


class ConnectFailed(UpstreamFailure):
    """No connection: refused, unresolvable, TLS failed, or none in time."""

    kind = "ConnectFailed"


class AddressRefused(UpstreamFailure):
    """The provider's host name leads to an address that the gateway does not call."""

    kind = "AddressRefused"
    may_repeat = False
    blames_target = False


class EmptyCompletion(UpstreamFailure):
    """The provider answered 200 without content or tool calls.

    `instead`: what it answered, where that is known. `raw`: the whole answer, where its finish reason says that nobody
    failed: another target may answer, the same one would answer the same, and without another the caller gets this one.
    """

    kind = "EmptyCompletion"

    def __init__(self, target: Target, instead: str = "", *, may_repeat: bool = True, raw: bytes = b"") -> None:
        super().__init__(target, instead or "the answer holds nothing to speak or act on")
        self.may_repeat = may_repeat and not raw
        self.blames_target = not raw
        self.raw = raw


class UpstreamCut(UpstreamFailure):
    """The provider's answer ended before it was complete."""

    kind = "UpstreamCut"


class AnswerUnreadable(UpstreamFailure):
    """The provider compressed its answer in a way that the gateway does not read, or its data is broken."""

    kind = "AnswerUnreadable"
    may_repeat = False


class AnswerTooLarge(UpstreamFailure):
    """The provider's whole answer is larger than the gateway reads.

    The provider has made it and charges for it; another one would make and charge as much.
    """

    kind = "AnswerTooLarge"
    may_repeat = False
    blames_target = False
    ends_call = True


class FirstTokenLate(UpstreamFailure):
    """The target sent no content within its deadline."""

    kind = "FirstTokenLate"
    may_repeat = False

    def __init__(self, target: Target, waited_ms: float) -> None:
        super().__init__(target, f"no content within {waited_ms:.0f} ms")
        self.waited_ms = waited_ms


class AnswerLate(UpstreamFailure):
    """The target's answer stalled, or was not complete in time."""

    kind = "AnswerLate"
    may_repeat = False

    def __init__(self, target: Target, message: str, *, blames_target: bool = True) -> None:
        super().__init__(target, message)
        self.blames_target = blames_target


class AttemptBroken(UpstreamFailure):
    """The gateway itself failed while it handled the attempt; its log has the reason, by the trace's id."""

    kind = "AttemptBroken"
    may_repeat = False
    blames_target = False

    def __init__(self, target: Target) -> None:
        super().__init__(target, "the gateway failed; the trace id tells its operator where to look")


class AllTargetsFailed(GatewayError):
    """No target answered. `failures`, one at least, in the order of the attempts."""

    def __init__(self, failures: Sequence[UpstreamFailure]) -> None:
        super().__init__(f"No target answered. {_described(failures, [failed.told for failed in failures])}")
        self.failures = tuple(failures)
        self.fact = f"No target answered. {_described(failures, [failed.fact for failed in failures])}"


def _described(failures: Sequence[UpstreamFailure], texts: Sequence[str]) -> str:
    targets = [f"{f.target.provider} ({f.target.host}, {f.target.model}): {f.kind}" for f in failures]
    return "; ".join(f"{target}: {text}" for target, text in zip(targets, texts, strict=True))
