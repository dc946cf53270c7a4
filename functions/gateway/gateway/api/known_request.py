"""A request of a known caller, until it is a call or refused."""

from dataclasses import dataclass, field

from fastapi import Request

from gateway.api.credentials import Headers, secrets_of
from gateway.api.platform_ids import platform_ids
from gateway.api.responses import entry_of
from gateway.domain.call import Arrival, Caller, Labels
from gateway.domain.secret import Scrubber, Secret
from gateway.recording.scrubbed_trace import scrubbed_ids
from switchboard.domain.trace import RequestIds


@dataclass(slots=True)
class KnownRequest:
    """What is known of a request whose key is good. `labels`: as far as they are read; a refusal is recorded so."""

    request: Request
    arrival: Arrival
    caller: Caller
    auth_ms: float
    headers: Headers
    secrets: tuple[Secret, ...] = field(init=False)
    scrubber: Scrubber = field(init=False)
    labels: Labels = field(default_factory=Labels)

    def __post_init__(self) -> None:
        self.secrets = secrets_of(self.request.headers)
        self.scrubber = Scrubber(self.secrets)

    @property
    def trace_id(self) -> str:
        """The id of the call, and of its trace."""
        return entry_of(self.request).request_id

    @property
    def platform_ids(self) -> RequestIds:
        """What Lambda and API Gateway call the request."""
        return scrubbed_ids(platform_ids(self.request.scope), self.scrubber)
