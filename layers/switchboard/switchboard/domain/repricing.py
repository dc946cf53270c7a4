"""Settles settled calls anew: what had no price, when there is one, or a whole model, when an operator says so."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from switchboard.domain.limits import MAX_CORRECTIONS
from switchboard.domain.pricing import CardOf, settled, used_nothing
from switchboard.domain.rates import PRICED_CLASSES, Price, cost_at_rates, unpriced_classes
from switchboard.domain.settlement import AttemptCost, Correction, Settlement
from switchboard.domain.trace import Trace
from switchboard.domain.usage import Usage

PRICE_APPEARED = "a price appeared"
"""The reason of a correction that nobody asked for: a class of tokens had had no price."""

_ALL_CLASSES = len(PRICED_CLASSES) + 1
_ANSWER = -1


@dataclass(frozen=True, slots=True)
class Revision:
    """A settled call before and after it is settled anew: the same call, with two settlements."""

    before: Trace
    after: Trace

    @property
    def cost_difference(self) -> int:
        """What the new cost adds to sums of costs, in pico-dollars; an unknown cost counts as 0 there."""
        return _known_cost(self.after) - _known_cost(self.before)


@dataclass(frozen=True, slots=True)
class _Part:
    """What the answer or one of the attempts cost."""

    provider: str | None
    model: str | None
    pico_usd: int | None
    price: Price | None
    unpriced: tuple[str, ...]
    is_counted: bool

    @property
    def missing(self) -> int:
        """How many classes of tokens have no price; more than all of them if the whole cost is unknown."""
        return _ALL_CLASSES if self.pico_usd is None else len(self.unpriced)


type _Parts = dict[int, _Part]
"""By the attempt's place; the answer's is `_ANSWER`."""


def awaited_models(trace: Trace) -> tuple[tuple[str, str], ...]:
    """Provider and model of all whose tokens are known, but not what they cost: a price for one of them may follow."""
    if trace.settlement is None:
        return ()
    waiting = [part for part in _parts(trace, trace.settlement).values() if part.is_counted and part.missing]
    return tuple(dict.fromkeys((part.provider or "", part.model or "") for part in waiting))


def repriced(trace: Trace, card: CardOf, at: datetime) -> Revision | None:
    """The call with prices for what had none; None if no more is known than before. What was priced keeps its price."""

    def better(old: _Part, new: _Part) -> _Part:
        return new if new.missing < old.missing else old

    return _revised(trace, card, better, PRICE_APPEARED, at)


def corrected(trace: Trace, card: CardOf, provider: str, model: str, *, reason: str, at: datetime) -> Revision | None:
    """The call with today's price for all that this model answered at this provider; None if its cost stays the same.

    What the provider billed itself stays, and so does what has no price today.
    """

    def replaced(old: _Part, new: _Part) -> _Part:
        is_meant = is_of_model(old.provider, old.model, provider, model)
        return new if is_meant and new.missing <= old.missing else old

    return _revised(trace, card, replaced, reason, at)


def is_of_model(provider: str | None, model: str | None, asked_provider: str, asked_model: str) -> bool:
    """Whether provider and model are those that were asked for, in any case."""
    return ((provider or "").lower(), (model or "").lower()) == (asked_provider.lower(), asked_model.lower())


def names_model(trace: Trace, provider: str, model: str) -> bool:
    """Whether the call's answer, or an attempt that used tokens, came from this model at this provider."""
    named = [(trace.provider, trace.model)]
    named += [(attempt.provider, attempt.model) for attempt in trace.attempts if attempt.usage.tokens is not None]
    return any(is_of_model(*each, provider, model) for each in named)


def _revised(
    trace: Trace, card: CardOf, choose: Callable[[_Part, _Part], _Part], reason: str, at: datetime
) -> Revision | None:
    old = trace.settlement
    if old is None:
        return None
    was, now = _parts(trace, old), _parts(trace, _settlement(settled(trace, card, at)))
    parts = {place: choose(part, now[place]) if place in now else part for place, part in was.items()}
    if all(
        (part.pico_usd, part.unpriced) == (was[place].pico_usd, was[place].unpriced) for place, part in parts.items()
    ):
        return None
    corrections = _with(old.corrections, Correction(old.cost_pico_usd, reason, at))
    kept = old.corrections if old.cost_pico_usd is None and reason == PRICE_APPEARED else corrections
    after = replace(_joined(parts, at), revision=old.revision + 1, corrections=kept)
    return Revision(trace, replace(trace, settlement=after))


def _parts(trace: Trace, settlement: Settlement) -> _Parts:
    own = _answer_cost(trace, settlement.price)
    parts = {_ANSWER: _part(trace.provider, trace.model, trace.usage, own, settlement.price)}
    for cost in settlement.attempt_costs:
        attempt = trace.attempts[cost.attempt]
        parts[cost.attempt] = _part(attempt.provider, attempt.model, attempt.usage, cost.cost_pico_usd, cost.price)
    return parts


def _part(provider: str | None, model: str | None, usage: Usage, pico_usd: int | None, price: Price | None) -> _Part:
    unpriced = () if usage.tokens is None or price is None else unpriced_classes(usage.tokens, price.rates)
    return _Part(provider, model, pico_usd, price, unpriced, is_counted=usage.tokens is not None)


def _answer_cost(trace: Trace, price: Price | None) -> int | None:
    """The answer's own cost, which a settlement has only within the sum."""
    if used_nothing(trace):
        return 0
    if trace.usage.billed_pico_usd is not None:
        return trace.usage.billed_pico_usd
    return None if price is None or trace.usage.tokens is None else cost_at_rates(trace.usage.tokens, price.rates)


def _joined(parts: _Parts, at: datetime) -> Settlement:
    costs = [part.pico_usd for part in parts.values()]
    known = [cost for cost in costs if cost is not None]
    unpriced = {name for part in parts.values() for name in part.unpriced}
    return Settlement(
        at,
        sum(known) if len(known) == len(costs) else None,
        parts[_ANSWER].price,
        tuple(AttemptCost(place, part.pico_usd, part.price) for place, part in parts.items() if place != _ANSWER),
        unpriced_classes=tuple(name for name in PRICED_CLASSES if name in unpriced),
    )


def _with(corrections: tuple[Correction, ...], new: Correction) -> tuple[Correction, ...]:
    """The first cost of the call and its latest ones."""
    every = (*corrections, new)
    return every if len(every) <= MAX_CORRECTIONS else (every[0], *every[-(MAX_CORRECTIONS - 1) :])


def _settlement(trace: Trace) -> Settlement:
    if trace.settlement is None:
        raise ValueError(f"{trace.trace_id} is not settled")
    return trace.settlement


def _known_cost(trace: Trace) -> int:
    return _settlement(trace).cost_pico_usd or 0
