"""Each target's recent failures and times to first token, in this process: which to try last, when to hedge."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random

from gateway.domain.call import Target
from gateway.domain.clock import Clock
from switchboard.domain.bounded_dict import BoundedDict

FAILURES_IN_A_ROW = 3
"""After so many a target's cooldown starts."""

FIRST_COOLDOWN_S = 10.0
MAX_COOLDOWN_S = 300.0
MAX_DOUBLINGS = 16
MAX_SAMPLES = 200
MIN_SAMPLES = 20
"""With fewer times to first token no quantile is given."""

MAX_TARGETS = 1000
"""Callers may name any host and model, so the number of records is limited."""

_MEDIAN = 0.5

type _Name = tuple[str, str, bytes | None]


@dataclass(slots=True)
class _Record:
    """One target's state.

    `failures` and `cooldowns`: how many in a row. `cools_until`: the monotonic moment at which the cooldown ends, None
    for a healthy target. `is_probed`: the cooldown is over and one call, whose result is not known yet, was sent.
    """

    failures: int = 0
    cooldowns: int = 0
    cools_until: float | None = None
    is_probed: bool = False
    ttfts_ms: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_SAMPLES))


class Health:
    """A circuit breaker for each target: a URL, a model and the caller's own key (one caller's limits are its own).

    A target that failed three times in a row has a cooldown, during which it is tried last. After the cooldown it is
    tried in its own place again, and the first call sent to it is a probe. If the probe gets a first token the target
    is healthy; else the next cooldown is up to twice as long, at most five minutes. Only an answer that did not break
    off resets the count of failures.
    """

    def __init__(self, clock: Clock, random: Random, max_targets: int = MAX_TARGETS) -> None:
        self._clock = clock
        self._random = random
        self._records = BoundedDict[_Name, _Record](max_targets)
        self._salt = random.randbytes(16)

    def order(self, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        """The targets, those in cooldown last."""
        return cooling_last(targets, self.is_cooling)

    def knows(self, target: Target) -> bool:
        """Whether there is a record of the target."""
        return self._name(target) in self._records

    def is_cooling(self, target: Target) -> bool:
        """Whether the target is in cooldown."""
        record = self._records.get(self._name(target)) if self._records else None
        return record is not None and record.cools_until is not None and self._clock.monotonic() < record.cools_until

    def attempt_started(self, target: Target) -> None:
        """A request is about to be sent. If it is a probe, the cooldown goes on for other calls until its result."""
        record = self._records.get(self._name(target))
        if record is not None and record.cools_until is not None and not self.is_cooling(target):
            record.is_probed = True
            self._cool_down(record)

    def answer_started(self, target: Target, ttft_ms: float | None) -> None:
        """The target sent its first token after `ttft_ms`, or a whole answer (None)."""
        record = self._record(target)
        record.cools_until, record.is_probed = None, False
        if ttft_ms is not None:
            record.ttfts_ms.append(ttft_ms)

    def succeeded(self, target: Target) -> None:
        """The target's answer was complete, or had no fault when its caller left."""
        record = self._record(target)
        record.failures, record.cooldowns = 0, 0

    def failed(self, target: Target) -> None:
        """An attempt at the target failed, and the fault was the target's."""
        record = self._record(target)
        record.failures += 1
        # A cooldown is not extended by calls that were open when it started, nor by those that had no other target.
        if record.is_probed or (record.cools_until is None and record.failures >= FAILURES_IN_A_ROW):
            record.is_probed = False
            record.cooldowns = min(record.cooldowns + 1, MAX_DOUBLINGS)
            self._cool_down(record)

    def abandoned(self, target: Target, waited_ms: float) -> None:
        """An attempt was cancelled before its first token: the time to first token is at least `waited_ms`."""
        known = self._record(target).ttfts_ms
        # A wait below the target's median tells nothing about its time to first token.
        if len(known) < MIN_SAMPLES or waited_ms >= _quantile(sorted(known), _MEDIAN):
            known.append(waited_ms)

    def ttft_quantile_ms(self, target: Target, quantile: float) -> float | None:
        """That quantile of the target's recent times to first token; None with fewer than MIN_SAMPLES."""
        record = self._records.get(self._name(target))
        if record is None or len(record.ttfts_ms) < MIN_SAMPLES:
            return None
        return _quantile(sorted(record.ttfts_ms), quantile)

    def _cool_down(self, record: _Record) -> None:
        longest_s = min(MAX_COOLDOWN_S, FIRST_COOLDOWN_S * 2 ** (record.cooldowns - 1))
        # Jitter: processes that saw the same outage must not all probe in the same second.
        record.cools_until = self._clock.monotonic() + longest_s * self._random.uniform(0.5, 1.0)

    def _record(self, target: Target) -> _Record:
        name = self._name(target)
        # Written on each use, so that the targets in use are kept.
        record = self._records[name] = self._records.get(name) or _Record()
        return record

    def _name(self, target: Target) -> _Name:
        """The target's key in the records. It holds a hash of the caller's key, never the key."""
        if target.key is None:
            return target.url, target.model, None
        return target.url, target.model, blake2b(target.key.reveal().encode(), key=self._salt).digest()


def cooling_last(targets: tuple[Target, ...], is_cooling: Callable[[Target], bool]) -> tuple[Target, ...]:
    """The targets, those in cooldown last; as they are where there is no choice."""
    if len(targets) == 1:
        return targets
    cooling = [target for target in targets if is_cooling(target)]
    if not cooling or len(cooling) == len(targets):
        return targets
    return (*(target for target in targets if target not in cooling), *cooling)


def _quantile(ordered: Sequence[float], quantile: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * quantile))]
