"""Price ⇄ JSON, with the fields of an overrides file: `parse_price(json of price_json(card))` has the card's rates."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from switchboard.domain.limits import (
    MAX_NAME_CHARACTERS,
    MAX_PRICE_BYTES,
    MAX_PRICE_MODEL_CHARACTERS,
    MAX_PRICE_TIERS,
    clipped,
)
from switchboard.domain.price_entry import read_entry
from switchboard.domain.price_fields import PRICES
from switchboard.domain.provider_names import PROVIDER_NAMES
from switchboard.domain.rates import RateCard, Rates, Tier, Variant, usd

_CLASS_OF = {name: "fresh_input" if name == "input" else name for name in PRICES}
_PER_MILLION = {name: 1 if name == "searches" else 10**6 for name in PRICES}
_MAX_PROBLEM_CHARACTERS = 300
_MAX_PROBLEMS = 20


class PriceInvalid(ValueError):
    """The text is not a valid price. `problems`: every one, as a sentence."""

    def __init__(self, problems: Sequence[str]) -> None:
        shown = [clipped(problem, _MAX_PROBLEM_CHARACTERS) for problem in problems[:_MAX_PROBLEMS]]
        more = [f"And {len(problems) - _MAX_PROBLEMS} more."] if len(problems) > _MAX_PROBLEMS else []
        self.problems = (*shown, *more)
        super().__init__(" ".join(self.problems))


class PriceTooLarge(PriceInvalid):
    """The text is longer than a price may be."""

    def __init__(self) -> None:
        super().__init__([f"A price may have {MAX_PRICE_BYTES:,} bytes at most."])


def parse_price(text: bytes) -> RateCard:
    """A project's price from JSON. Raises PriceInvalid or PriceTooLarge."""
    if len(text) > MAX_PRICE_BYTES:
        raise PriceTooLarge
    try:
        entry = json.loads(text)
        json.dumps(entry, ensure_ascii=False).encode()  # fails for half of a surrogate pair, which no row can hold
    except (ValueError, RecursionError) as error:
        raise PriceInvalid(["The price is not valid JSON."]) from error
    if not isinstance(entry, dict):
        raise PriceInvalid(["A price is a JSON object."])
    problems = list(_too_many(entry))
    card = None if problems else read_entry(entry, problems.append)
    if card is None:
        raise PriceInvalid(problems)
    if card.provider not in PROVIDER_NAMES:
        known = ", ".join(sorted(PROVIDER_NAMES))
        raise PriceInvalid(
            [f"There is no provider {clipped(card.provider, MAX_NAME_CHARACTERS)!r}. There are: {known}."]
        )
    return _of_project(card)


def price_json(card: RateCard) -> dict[str, object]:
    """The price as JSON: `id`, `source`, and the fields of an entry; amounts that it does not have are left out."""
    return {
        "id": card.entry_id,
        "source": card.source,
        "provider": card.provider,
        "model": card.model,
        "from": _text(card.valid_from),
        "until": None if card.valid_until is None else _text(card.valid_until),
        **_amounts(card.rates),
        "tiers": [_tier(tier) for tier in card.tiers],
        "variants": [_variant(variant) for variant in card.variants],
    }


def _of_project(card: RateCard) -> RateCard:
    """The price with its source, and an id that no other price has: costs name it after it was replaced, too."""
    whole = json.dumps(price_json(replace(card, source="", entry_id="")))
    entry_id = f"price_{hashlib.sha256(whole.encode()).hexdigest()[:16]}"
    return replace(card, source=f"project {card.valid_from.date().isoformat()}", entry_id=entry_id)


def _too_many(entry: Mapping[str, object]) -> Sequence[str]:
    problems = []
    for name in ("tiers", "variants"):
        listed = entry.get(name)
        if isinstance(listed, list) and len(listed) > MAX_PRICE_TIERS:
            problems.append(f"{name!r} may have {MAX_PRICE_TIERS} entries at most.")
    model = entry.get("model")
    if isinstance(model, str) and len(model) > MAX_PRICE_MODEL_CHARACTERS:
        problems.append(f"'model' may have {MAX_PRICE_MODEL_CHARACTERS} characters at most.")
    return problems


def _amounts(rates: Rates) -> dict[str, str]:
    """USD per million tokens, and per search."""
    amounts = {name: getattr(rates, _CLASS_OF[name]) for name in PRICES}
    return {name: usd(rate * _PER_MILLION[name]) for name, rate in amounts.items() if rate is not None}


def _tier(tier: Tier) -> dict[str, object]:
    return {"above": tier.above, **_amounts(tier.rates)}


def _variant(variant: Variant) -> dict[str, object]:
    told = {variant.dimension.value: variant.value}
    if variant.rates is None:
        return {**told, "factor": str(variant.factor)}
    tiers = {"tiers": [_tier(tier) for tier in variant.tiers]} if variant.tiers else {}
    return {**told, **_amounts(variant.rates), **tiers}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
