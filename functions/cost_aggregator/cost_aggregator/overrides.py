"""The operator's own prices, dated, in a file. They take precedence over the library's."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from switchboard.domain.model_names import plain
from switchboard.domain.price_entry import read_entry
from switchboard.domain.rates import RateCard

SHIPPED = Path(__file__).with_name("overrides.toml")

_ENTRY_HEADER = re.compile(r"\s*\[\[\s*price\s*\]\]")


class OverridesMalformed(ValueError):
    """The overrides file is invalid; `problems` lists every problem, by entry."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Overrides:
    """Rate cards by provider and plain model name, oldest first. A card ends no later than the next one begins."""

    cards: Mapping[tuple[str, str], tuple[RateCard, ...]]

    @classmethod
    def of(cls, cards: Iterable[RateCard]) -> Self:
        """These cards."""
        listed: dict[tuple[str, str], list[RateCard]] = defaultdict(list)
        for card in cards:
            listed[card.provider, card.model].append(card)
        return cls({name: _in_order(each) for name, each in listed.items()})

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The card for a call that began at that time. The model is matched by its exact name, ignoring case."""
        return next((card for card in self._cards_of(provider, model) if card.is_valid_at(at)), None)

    def gap(self, provider: str, model: str, at: datetime) -> tuple[datetime | None, datetime | None]:
        """The period around `at` without a card: from the end of the previous card to the start of the next."""
        cards = self._cards_of(provider, model)
        ends = [card.valid_until for card in cards if card.valid_until is not None and card.valid_until <= at]
        starts = [card.valid_from for card in cards if card.valid_from > at]
        return max(ends, default=None), min(starts, default=None)

    def changes(self, provider: str, model: str) -> tuple[datetime, ...]:
        """When cards of the model begin or end."""
        cards = self._cards_of(provider, model)
        return tuple(moment for card in cards for moment in (card.valid_from, card.valid_until) if moment is not None)

    def _cards_of(self, provider: str, model: str) -> tuple[RateCard, ...]:
        return self.cards.get((provider.lower(), plain(model)), ())


def read_overrides(text: str) -> Overrides:
    """The prices of a file's text. Raises OverridesMalformed."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OverridesMalformed([f"The file is not valid TOML: {error}"]) from error
    problems = [
        f"{name!r} is not allowed: the file has [[price]] entries only." for name in document if name != "price"
    ]
    cards = _read_entries(document.get("price", []), _lines_of_entries(text), problems)
    if problems:
        raise OverridesMalformed(problems)
    return Overrides({name: _in_order(listed) for name, listed in cards.items()})


def shipped_overrides() -> Overrides:
    """The prices in `overrides.toml`, next to this module. Raises OverridesMalformed."""
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
        found: list[str] = []
        card = read_entry(entry, found.append)
        problems += [f"{where}: {problem}" for problem in found]
        if card is None:
            continue
        others = cards[card.provider, card.model]
        if any(other.valid_from == card.valid_from for other in others):
            problems.append(f"{where}: {card.provider} {card.model} has another price with the same 'from'.")
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
