"""What is noted of one call while it passes: kept by the relay and the reply, read by the recorder at the end."""

from dataclasses import dataclass, field

from gateway.call import Call, Target
from gateway.clock import Clock
from gateway.errors import UpstreamFailure
from gateway.secret import Secret
from switchboard.trace import Attempt, Failure, Status
from switchboard.transcript import Transcript


@dataclass(slots=True)
class Journal:
    """One call's notes. Moments are milliseconds since the call's arrival, None while they have not come."""

    call: Call
    clock: Clock
    status: Status = Status.OPEN
    failure: Failure | None = None
    target: Target | None = None
    gateway_ms: float | None = None
    sent_ms: float = 0.0
    ttft_ms: float | None = None
    http_status: int = 200
    upstream_status: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    transcript: Transcript = field(default_factory=Transcript)
    sent: list[bytes] = field(default_factory=list)
    secrets: tuple[Secret, ...] = ()

    def __post_init__(self) -> None:
        self.notes.extend(self.call.labels.notes)
        self.secrets = self.call.secrets

    def elapsed_ms(self) -> float:
        """Since the call arrived."""
        return self.clock.milliseconds_since(self.call.arrival.moment)

    def secrets_with(self, key: Secret | None) -> tuple[Secret, ...]:
        """The call's secrets, from now on with the key of the target it goes to."""
        if key is not None and key not in self.secrets:
            self.secrets = (*self.secrets, key)
        return self.secrets

    def targeted(self, target: Target) -> None:
        """The call goes to this target now."""
        self.target = target
        self.transcript = Transcript()
        self.upstream_status = None
        self.sent_ms = self.elapsed_ms()
        if self.gateway_ms is None:
            self.gateway_ms = self.sent_ms

    def first_token(self) -> None:
        """The first content or tool delta is here."""
        self.ttft_ms = self.elapsed_ms()

    def attempted(self, target: Target, failed: UpstreamFailure | None = None, *, outcome: str = "ok") -> None:
        """The attempt at this target is over, well or not."""
        self.attempts.append(
            Attempt(
                provider=target.provider,
                host=target.host,
                model=target.model,
                outcome=outcome if failed is None else type(failed).__name__,
                started_ms=self.sent_ms,
                duration_ms=round(self.elapsed_ms() - self.sent_ms, 3),
                status=self.upstream_status,
                ttft_ms=None if self.ttft_ms is None else round(self.ttft_ms - self.sent_ms, 3),
                error=None if failed is None else failed.message,
            )
        )

    def ended(self, status: Status, failure: Failure | None = None) -> None:
        """How the call ended."""
        self.status = status
        self.failure = failure
