"""One attempt: a request to one target, from its start to its outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.domain.call import Target
from gateway.domain.errors import UpstreamFailure
from switchboard.stream.transcript import Transcript

OK = "ok"
OUTPACED = "outpaced"
"""Another attempt was the first to produce content."""
REDIRECTED = "redirected"
"""The call turned out to be a retry of its turn, and went to the target of that retry's number."""


@dataclass(slots=True)
class Attempt:
    """A request to one target and how it went. Moments are milliseconds since the call's arrival, None until they come.

    `elapsed_ms` tells the current moment. `is_ready`: the key is found and the body is written. `started_ms`: when the
    attempt began; once it is ready, when its request was sent off. `sent_ms`: when the whole request was out, the last
    time that it was. `is_late`: its target's soft timeout is over, and another attempt may start. `outcome` is empty
    while the attempt runs, then as in a trace's attempt. `notes`: what was changed in its request and answer, for the
    trace.
    """

    target: Target
    elapsed_ms: Callable[[], float]
    is_hedge: bool = False
    transcript: Transcript = field(default_factory=Transcript)
    notes: list[str] = field(default_factory=list)
    started_ms: float = field(init=False)
    is_ready: bool = field(default=False, init=False)
    sent_ms: float | None = field(default=None, init=False)
    upstream_status: int | None = field(default=None, init=False)
    response_headers: Mapping[str, str] = field(default_factory=dict, init=False)
    ttft_ms: float | None = field(default=None, init=False)
    ended_ms: float | None = field(default=None, init=False)
    is_late: bool = field(default=False, init=False)
    outcome: str = field(default="", init=False)
    failure: UpstreamFailure | None = field(default=None, init=False)
    _is_blamed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.started_ms = self.elapsed_ms()

    @property
    def waited_ms(self) -> float:
        """How long the attempt has run."""
        return self.elapsed_ms() - self.started_ms

    @property
    def late_from_ms(self) -> float:
        """The moment from which the attempt is late: the time before its request is ready is not the target's."""
        return (self.started_ms if self.is_ready else self.elapsed_ms()) + self.target.soft_timeout_ms

    @property
    def upstream_ttft_ms(self) -> float | None:
        """The time from the attempt's start to its first content; None where it has none, or was not streamed."""
        return None if self.ttft_ms is None else self.ttft_ms - self.started_ms

    @property
    def duration_ms(self) -> float:
        """The time from the attempt's start to its end; 0 while it runs."""
        return 0.0 if self.ended_ms is None else self.ended_ms - self.started_ms

    def request_ready(self) -> None:
        """The key is found and the body is written: the request is sent now."""
        self.started_ms, self.is_ready = self.elapsed_ms(), True

    def request_sent(self) -> None:
        """The whole request is out."""
        self.sent_ms = self.elapsed_ms()

    def response_started(self, status: int, headers: Mapping[str, str]) -> None:
        """The response's status and headers have come."""
        self.upstream_status, self.response_headers = status, headers

    def content_started(self) -> None:
        """The first content or tool delta of a stream has come."""
        self.ttft_ms = self.elapsed_ms()

    def ended(self, outcome: str) -> None:
        """The attempt is over. Only the first outcome counts."""
        if not self.outcome:
            self.outcome, self.ended_ms = outcome, self.elapsed_ms()

    def failed(self, failure: UpstreamFailure) -> None:
        """The attempt is over, and this is why. Only the first outcome counts."""
        if not self.outcome:
            self.ended(failure.kind)
            self.failure = failure

    def take_blame(self) -> bool:
        """Whether the target's health must be told of a failure: True once for each attempt."""
        is_first, self._is_blamed = not self._is_blamed, True
        return is_first
