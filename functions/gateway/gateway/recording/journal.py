"""What is noted of one call while it passes: kept by the relay and the reply, read by the recorder at the end."""

from dataclasses import dataclass, field

from gateway.domain.call import Call, Target
from gateway.domain.clock import Clock
from gateway.domain.errors import UpstreamFailure
from gateway.domain.secret import Secret
from switchboard.domain.trace import Failure, Status, Turn
from switchboard.stream.transcript import Transcript

OK = "ok"
OUTPACED = "outpaced"
"""Another attempt was the first to speak."""


@dataclass(slots=True)
class Try:
    """One attempt's notes. Moments are milliseconds since the call's arrival, None while they have not come.

    `outcome` is empty while the attempt is under way; then as in a trace's attempt. `sent_ms`: when its request was
    out, the last time that it was. `is_late`: the patience with its target is over, and the next one's turn has come.
    `is_blamed`: its target's health has heard of its failure. `changes`: what was changed in its request and answer.
    """

    target: Target
    started_ms: float
    is_hedge: bool = False
    sent_ms: float | None = None
    is_late: bool = False
    is_blamed: bool = False
    upstream_status: int | None = None
    ttft_ms: float | None = None
    ended_ms: float | None = None
    outcome: str = ""
    failure: UpstreamFailure | None = None
    transcript: Transcript = field(default_factory=Transcript)
    changes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Journal:
    """One call's notes. Moments are milliseconds since the call's arrival, None while they have not come.

    `tries` in the order of their start. `answering`: the one whose answer the caller gets, None until one speaks.
    `buffered_ms`: when buffer words went out. `sent`: the answer's bytes as they left, without them.
    """

    call: Call
    clock: Clock
    status: Status = Status.OPEN
    failure: Failure | None = None
    gateway_ms: float | None = None
    http_status: int = 200
    tries: list[Try] = field(default_factory=list)
    answering: Try | None = None
    buffered_ms: float | None = None
    turn: Turn | None = None
    notes: list[str] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    secrets: tuple[Secret, ...] = ()

    def __post_init__(self) -> None:
        self.notes.extend(self.call.labels.notes)
        self.secrets = self.call.secrets

    @property
    def latest(self) -> Try | None:
        """The attempt that stands for the call: the one that answers, else the last one that was begun."""
        return self.answering or (self.tries[-1] if self.tries else None)

    def elapsed_ms(self) -> float:
        """Since the call arrived."""
        return self.clock.milliseconds_since(self.call.arrival.moment)

    def secrets_with(self, key: Secret | None) -> tuple[Secret, ...]:
        """The call's secrets, from now on with the key of a target it goes to."""
        if key is not None and key not in self.secrets:
            self.secrets = (*self.secrets, key)
        return self.secrets

    def begun(self, target: Target, *, is_hedge: bool = False) -> Try:
        """A try at this target has begun."""
        attempt = Try(target, self.elapsed_ms(), is_hedge)
        self.tries.append(attempt)
        return attempt

    def sending(self, attempt: Try) -> None:
        """The attempt's request leaves now: its key is found, its body written."""
        attempt.started_ms = self.elapsed_ms()
        if self.gateway_ms is None:
            self.gateway_ms = attempt.started_ms

    def withdrawn(self, attempt: Try) -> None:
        """The attempt could not even be made."""
        self.tries.remove(attempt)

    def ended_try(self, attempt: Try, outcome: str, failed: UpstreamFailure | None = None) -> None:
        """The attempt is over, well or not; what is said of it first holds."""
        if attempt.outcome:
            return
        attempt.outcome = outcome if failed is None else type(failed).__name__
        attempt.ended_ms = self.elapsed_ms()
        attempt.failure = failed

    def ended_tries(self, outcome: str) -> None:
        """The call ends, and with it every attempt that is still under way."""
        for attempt in self.tries:
            self.ended_try(attempt, outcome)

    def ended(self, status: Status, failure: Failure | None = None) -> None:
        """How the call ended."""
        self.status = status
        self.failure = failure
