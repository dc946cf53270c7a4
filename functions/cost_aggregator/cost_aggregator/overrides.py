"""The operator's own prices: dated, in a file, and stronger than any library's."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cost_aggregator.model_names import plain
from cost_aggregator.override_entry import read_entry
from switchboard.domain.rates import RateCard

SHIPPED = Path(__file__).with_name("overrides.toml")

_ENTRY_HEADER = re.compile(r"\s*\[\[\s*price\s*\]\]")


class OverridesMalformed(ValueError):
    """The overrides file holds something that is no price; `problems` names all of it, entry by entry."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Overrides:
    """Rate cards by provider and plain model name, oldest first; each ends where the next begins, at the latest."""

    cards: Mapping[tuple[str, str], tuple[RateCard, ...]]

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The card that prices a call of that moment; the model goes by its exact name, in any case."""
        return next((card for card in self._cards_of(provider, model) if card.is_valid_at(at)), None)

    def gap(self, provider: str, model: str, at: datetime) -> tuple[datetime | None, datetime | None]:
        """The time around a moment without a card: since the last one's end, until the next one's beginning."""
        cards = self._cards_of(provider, model)
        ends = [card.valid_until for card in cards if card.valid_until is not None and card.valid_until <= at]
        starts = [card.valid_from for card in cards if card.valid_from > at]
        return max(ends, default=None), min(starts, default=None)

    def _cards_of(self, provider: str, model: str) -> tuple[RateCard, ...]:
        return self.cards.get((provider.lower(), plain(model)), ())


def read_overrides(text: str) -> Overrides:
    """The prices of a file's text. Raises OverridesMalformed."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OverridesMalformed([f"The file is no TOML: {error}"]) from error
    problems = [f"{name!r} is no part of this file: it holds [[price]] alone." for name in document if name != "price"]
    cards = _read_entries(document.get("price", []), _lines_of_entries(text), problems)
    if problems:
        raise OverridesMalformed(problems)
    return Overrides({name: _in_order(listed) for name, listed in cards.items()})


def shipped_overrides() -> Overrides:
    """The prices of `overrides.toml`, which lies beside this module. Raises OverridesMalformed."""
    return read_overrides(SHIPPED.read_text("utf-8"))


def _read_entries(
    entries: object, lines: Sequence[int], problems: list[str]
) -> Mapping[tuple[str, str], list[RateCard]]:
    cards: dict[tuple[str, str], list[RateCard]] = defaultdict(list)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append("'price' must be written as [[price]], once for each price.")
        return cards
    for number, entry in enumerate(entries, start=1):
        where = f"price {number}" + (f" (line {lines[number - 1]})" if len(lines) == len(entries) else "")
        told: list[str] = []
        card = read_entry(entry, told.append)
        problems += [f"{where}: {problem}" for problem in told]
        if card is None:
            continue
        others = cards[card.provider, card.model]
        if any(other.valid_from == card.valid_from for other in others):
            problems.append(f"{where}: {card.provider} {card.model} has another price from the same moment.")
        others.append(card)
    return cards


def _lines_of_entries(text: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), start=1) if _ENTRY_HEADER.match(line)]


def _in_order(cards: Sequence[RateCard]) -> tuple[RateCard, ...]:
    ordered = sorted(cards, key=lambda card: card.valid_from)
    return tuple(
        card if following is None else replace(card, valid_until=_earlier(card.valid_until, following.valid_from))
        for card, following in zip(ordered, [*ordered[1:], None], strict=True)
    )


def _earlier(end: datetime | None, start: datetime) -> datetime:
    return start if end is None else min(end, start)
