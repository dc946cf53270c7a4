"""What is known of one call while it runs: written by the relay and the reply, read by the recorder at the end."""

from dataclasses import InitVar, dataclass, field
from functools import partial

from gateway.domain.attempt import Attempt
from gateway.domain.call import Call, Capture, Target
from gateway.domain.clock import Clock
from gateway.domain.secret import Scrubber, Secret
from gateway.recording.prompt_size import PromptSize, measure
from switchboard.domain.limits import MAX_KEPT_ANSWER_BYTES
from switchboard.domain.notes import add_note
from switchboard.domain.trace import NO_REQUEST_IDS, Failure, RequestIds, Status, Turn

MB = 1024 * 1024
_PIECE_BYTES = 48
"""What a piece of the answer takes in memory beside its bytes."""


@dataclass(slots=True)
class Journal:
    """One call's record in the making. Moments are milliseconds since the call's arrival, None until they come.

    `gateway_ms`: when the first request was ready. `attempts` are in the order of their start. `answering`: the attempt
    whose answer the caller gets, None until one has content. `buffered_ms`: when buffer words were sent.
    `first_sentence_ms`: when the answer's first sentence was; `longest_stall_ms`: the longest wait for a later part of
    it. `platform_ids`: what Lambda and API Gateway call the request. `notes`: what the trace notes of the call.
    `duration_ms`: when the reply was over. `sent`: the bytes of the answer as they were sent, without buffer words, as
    far as they are kept for the trace. `scrubber` removes the call's secrets from whatever is kept or told of it;
    `request_scrubber`: the same, where it is made already.
    """

    call: Call
    clock: Clock
    status: Status = Status.OPEN
    failure: Failure | None = None
    gateway_ms: float | None = None
    http_status: int = 200
    attempts: list[Attempt] = field(default_factory=list)
    answering: Attempt | None = None
    buffered_ms: float | None = None
    first_sentence_ms: float | None = None
    longest_stall_ms: float | None = None
    turn: Turn | None = None
    platform_ids: RequestIds = NO_REQUEST_IDS
    notes: list[str] = field(default_factory=list)
    duration_ms: float | None = None
    sent: list[bytes] = field(default_factory=list)
    request_scrubber: InitVar[Scrubber | None] = None
    scrubber: Scrubber = field(init=False)
    _secrets: tuple[Secret, ...] = field(init=False)
    _room: int = field(default=0, init=False)
    _prompt_size: PromptSize | None = field(default=None, init=False)

    def __post_init__(self, request_scrubber: Scrubber | None) -> None:
        if self.call.labels.capture is Capture.FULL:
            self._room = MAX_KEPT_ANSWER_BYTES
        self.notes.extend(self.call.labels.notes)
        self._secrets, self.scrubber = self.call.secrets, request_scrubber or Scrubber(self.call.secrets)

    @property
    def prompt_size(self) -> PromptSize:
        """The prompt's size; measured once, since that takes milliseconds with many tools."""
        if self._prompt_size is None:
            self._prompt_size = measure(self.call.chat)
        return self._prompt_size

    @property
    def latest(self) -> Attempt | None:
        """The attempt that stands for the call: the one that answers, else the last one that was started."""
        return self.answering or (self.attempts[-1] if self.attempts else None)

    def elapsed_ms(self) -> float:
        """Since the call arrived."""
        return self.clock.milliseconds_since(self.call.arrival.moment)

    def keep_sent(self, content: bytes) -> None:
        """Keep what is sent of the answer, where the trace gets it, and only its beginning where it is very long."""
        if self._room <= 0:
            return
        self.sent.append(content[: self._room])
        self._room -= len(content) + _PIECE_BYTES
        if self._room < 0:
            add_note(self.notes, f"kept only the first {MAX_KEPT_ANSWER_BYTES // MB} MB of the answer")

    def secrets_with(self, *secrets: Secret) -> None:
        """The call has further secrets: a stored key, values in the query of a target's URL."""
        if more := tuple(secret for secret in secrets if secret not in self._secrets):
            self._secrets += more
            self.scrubber = Scrubber(self._secrets)

    def start_attempt(self, target: Target, *, is_hedge: bool = False) -> Attempt:
        """A new attempt at the target."""
        # Not `self.elapsed_ms`: a reference back to the journal would keep the call's bodies until a full collection.
        elapsed_ms = partial(self.clock.milliseconds_since, self.call.arrival.moment)
        attempt = Attempt(target, elapsed_ms, is_hedge)
        self.attempts.append(attempt)
        return attempt

    def request_ready(self, attempt: Attempt) -> None:
        """The attempt's request is sent now: its key is found, its body is written."""
        attempt.request_ready()
        if self.gateway_ms is None:
            self.gateway_ms = attempt.started_ms

    def withdraw_attempt(self, attempt: Attempt) -> None:
        """Forget an attempt for which no request could be made."""
        self.attempts.remove(attempt)

    def end_attempts(self, outcome: str) -> None:
        """End every attempt that still runs: the call is over."""
        for attempt in self.attempts:
            attempt.ended(outcome)

    def ended(self, status: Status, failure: Failure | None = None) -> None:
        """Note how the call ended."""
        self.status = status
        self.failure = failure
