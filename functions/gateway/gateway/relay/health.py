"""How each target has done lately, in this process: which ones to try last, and how long their first words take."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random

from gateway.domain.call import Target
from gateway.domain.clock import Clock

FAILURES_IN_A_ROW = 3
"""After so many a target is tried last."""

FIRST_REST_S = 10.0
LONGEST_REST_S = 300.0
MOST_DOUBLINGS = 16
REMEMBERED_FIRST_TOKENS = 200
ENOUGH_FIRST_TOKENS = 20
"""Fewer say nothing about a quantile."""

MAX_TARGETS = 1000
"""Callers may name any host and model; what is remembered of them has an end."""

_MEDIAN = 0.5

type _Name = tuple[str, str, bytes | None]


@dataclass(slots=True)
class _Record:
    """What is remembered of one target.

    `rests`: how many in a row. `rests_until`: a monotonic moment, None while it is well. `is_probed`: since its rest
    was over one call has asked it, and not yet told how that went.
    """

    failures: int = 0
    rests: int = 0
    rests_until: float | None = None
    is_probed: bool = False
    first_tokens_ms: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED_FIRST_TOKENS))


class Health:
    """Remembers how attempts ended: by URL, model and the caller's own key, whose limits are nobody else's.

    A target that failed three times in a row rests: it is tried last. After the rest it stands in its own place again;
    the first call that asks it is the probe: if that speaks the target is back, else it rests longer, up to five
    minutes. Only an answer that was not broken in its middle ends a row of failures.
    """

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._records: dict[_Name, _Record] = {}
        self._salt = random.randbytes(16)

    def order(self, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        """The targets, the resting ones last."""
        if len(targets) == 1 or not self._records:
            return targets
        resting = [target for target in targets if self._is_resting(target)]
        if not resting or len(resting) == len(targets):
            return targets
        return (*(target for target in targets if target not in resting), *resting)

    def asked(self, target: Target) -> None:
        """A request to the target goes out. Until a probe has told how it went, others leave the target alone."""
        record = self._records.get(self._name(target))
        if record is not None and record.rests_until is not None and not self._is_resting(target):
            record.is_probed = True
            self._rest(record)

    def spoke(self, target: Target, ttft_ms: float | None) -> None:
        """The target has begun to answer, after so long (None: it was not streamed)."""
        record = self._record(target)
        record.rests_until, record.is_probed = None, False
        if ttft_ms is not None:
            record.first_tokens_ms.append(ttft_ms)

    def succeeded(self, target: Target) -> None:
        """The target's answer was good to its end, or for as long as anybody listened."""
        record = self._record(target)
        record.failures, record.rests = 0, 0

    def failed(self, target: Target) -> None:
        """The target did not answer as it should."""
        record = self._record(target)
        record.failures += 1
        # Calls that were under way when the rest began, and those that had no other target, make it no longer.
        if record.is_probed or (record.rests_until is None and record.failures >= FAILURES_IN_A_ROW):
            record.is_probed = False
            record.rests = min(record.rests + 1, MOST_DOUBLINGS)
            self._rest(record)

    def silent(self, target: Target, waited_ms: float) -> None:
        """The target was left while it was still silent: its time to first token is this long at least."""
        known = self._record(target).first_tokens_ms
        # A wait that was short by the target's own measure says nothing of it.
        if len(known) < ENOUGH_FIRST_TOKENS or waited_ms >= _quantile(sorted(known), _MEDIAN):
            known.append(waited_ms)

    def first_token_ms(self, target: Target, quantile: float) -> float | None:
        """That quantile of the target's recent times to first token; None where too few are known."""
        record = self._records.get(self._name(target))
        if record is None or len(record.first_tokens_ms) < ENOUGH_FIRST_TOKENS:
            return None
        return _quantile(sorted(record.first_tokens_ms), quantile)

    def _is_resting(self, target: Target) -> bool:
        record = self._records.get(self._name(target))
        return record is not None and record.rests_until is not None and self._clock.monotonic() < record.rests_until

    def _rest(self, record: _Record) -> None:
        longest_s = min(LONGEST_REST_S, FIRST_REST_S * 2 ** (record.rests - 1))
        # Jitter: processes that saw the same outage must not all probe in the same second.
        record.rests_until = self._clock.monotonic() + longest_s * self._random.uniform(0.5, 1.0)

    def _record(self, target: Target) -> _Record:
        name = self._name(target)
        record = self._records.pop(name, None)
        if record is None:
            if len(self._records) >= MAX_TARGETS:
                del self._records[next(iter(self._records))]
            record = _Record()
        self._records[name] = record  # the last one to be forgotten
        return record

    def _name(self, target: Target) -> _Name:
        """Callers' keys are told apart, and not kept."""
        if target.key is None:
            return target.url, target.model, None
        return target.url, target.model, blake2b(target.key.reveal().encode(), key=self._salt).digest()


def _quantile(ordered: Sequence[float], quantile: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * quantile))]
