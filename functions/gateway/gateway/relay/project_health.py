"""The targets' health as one project sees it: from its own calls, and from faults that are certainly the provider's."""

from dataclasses import dataclass

from gateway.domain.call import Target
from gateway.relay.health import Health, cooling_last


@dataclass(frozen=True, slots=True)
class ProjectHealth:
    """Health from two records: `own`, which only this project's calls change, and `shared`, which all projects' do.

    A target has a shared record only where it is called with the deployment's key: at the provider's own address.
    """

    own: Health
    shared: Health

    def order(self, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        """The targets, those in cooldown last."""
        return cooling_last(targets, self._is_cooling)

    def attempt_started(self, target: Target) -> None:
        """A request is about to be sent."""
        for record in self._records(target):
            record.attempt_started(target)

    def answer_started(self, target: Target, ttft_ms: float | None) -> None:
        """The target sent its first token after `ttft_ms`, or a whole answer (None)."""
        self.own.answer_started(target, ttft_ms)
        if self._has_shared(target):
            self.shared.answer_started(target, None)

    def succeeded(self, target: Target) -> None:
        """The target's answer was complete, or had no fault when its caller left."""
        self.own.succeeded(target)
        if self._has_shared(target):
            self.shared.succeeded(target)

    def failed(self, target: Target, *, for_all: bool) -> None:
        """An attempt at the target failed. `for_all`: whether calls of every project are likely to fail there too."""
        if for_all and target.uses_stored_key:
            self.shared.failed(target)
        else:
            self.own.failed(target)

    def abandoned(self, target: Target, waited_ms: float) -> None:
        """An attempt was cancelled before its first token: the time to first token is at least `waited_ms`."""
        self.own.abandoned(target, waited_ms)

    def ttft_quantile_ms(self, target: Target, quantile: float) -> float | None:
        """That quantile of the project's recent times to first token at the target; None where there are too few."""
        return self.own.ttft_quantile_ms(target, quantile)

    def _records(self, target: Target) -> tuple[Health, ...]:
        return (self.own, self.shared) if target.uses_stored_key else (self.own,)

    def _is_cooling(self, target: Target) -> bool:
        return any(record.is_cooling(target) for record in self._records(target))

    def _has_shared(self, target: Target) -> bool:
        """Whether failures are counted there. Successes make no record: a project could fill all records with them."""
        return target.uses_stored_key and self.shared.knows(target)
