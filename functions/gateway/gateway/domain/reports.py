"""Failures that the provider itself reports: with a status, or inside its answer."""

from gateway.domain.call import Target
from gateway.domain.error_names import NO_NAMES, ErrorNames
from gateway.domain.error_statuses import ABOUT_THE_KEY, REQUEST_FAULTS, is_transient
from gateway.domain.errors import UpstreamFailure


class UpstreamRejected(UpstreamFailure):
    """The provider answered with an error status, a redirect or a web page; `text` is its error's text.

    `retry_after_ms`: how long it asks to wait. `names`: its own names for the error. `remark`: what else the gateway
    knows of it. `body` is the error itself, which may repeat what was sent: it is never stored, logged or sent. What is
    said of the deployment's own key is not told.
    """

    kind = "UpstreamRejected"
    status: int

    def __init__(
        self,
        target: Target,
        status: int,
        text: str,
        retry_after_ms: float | None = None,
        *,
        names: ErrorNames = NO_NAMES,
        remark: str = "",
        body: bytes = b"",
    ) -> None:
        fact = f"answered {status}{_in_brackets(names)}{remark and f': {remark}'}"
        super().__init__(target, f"answered {status}: {text}", fact=fact)
        self.told = self.fact if target.uses_stored_key and status in ABOUT_THE_KEY else self.message
        self.status, self.names, self.body = status, names, body
        self.retry_after_ms = None if names.is_out_of_quota else retry_after_ms
        self.is_slip = names.is_slip
        self.may_repeat = (is_transient(status) or self.is_slip) and not names.is_out_of_quota
        self.blames_target = status not in REQUEST_FAULTS


class UpstreamReported(UpstreamFailure):
    """The provider answered 200 and then an error inside the stream or body; `text` is the error's text.

    `names`: its own names for the error; a code that is an HTTP status counts as its status. `is_request_fault`: the
    error says that the request is wrong.
    """

    kind = "UpstreamReported"

    def __init__(
        self, target: Target, text: str, *, names: ErrorNames = NO_NAMES, is_request_fault: bool = False
    ) -> None:
        super().__init__(target, text, fact=f"an error inside its answer{_in_brackets(names)}")
        self.told = self.fact if target.uses_stored_key and names.is_about_the_key else self.message
        self.status, self.names = names.status, names
        self.is_slip = names.is_slip
        is_lasting = is_request_fault or names.is_out_of_quota or not is_transient(self.status)
        self.may_repeat = self.is_slip or not is_lasting
        self.blames_target = not (is_request_fault or self.is_slip)


def _in_brackets(names: ErrorNames) -> str:
    return f" ({names})" if names != NO_NAMES else ""
