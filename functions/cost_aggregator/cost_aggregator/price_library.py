"""Rate cards from genai-prices, with its names, start dates and hours of the day.

Only this module, `library_rates`, `library_models` and `library_variants` import the library, which takes a third of a
second. It makes no requests.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TimeOfDateConstraint

from cost_aggregator.library_models import names
from cost_aggregator.library_rates import read_rates
from cost_aggregator.library_variants import read_variants
from cost_aggregator.price_rules import PriceRules, shipped_rules
from switchboard.domain.model_names import is_claude, maker, plain, spellings
from switchboard.domain.rates import ALWAYS, RateCard, Rates, Tier

LIBRARY_NAMES = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "google",
    "groq": "groq",
    "together": "together",
    "cloudflare": "cloudflare",
    "deepseek": "deepseek",
    "mistral": "mistral",
    "xai": "x-ai",
    "cerebras": "cerebras",
    "fireworks": "fireworks",
    "openrouter": "openrouter",
    "azure": "azure",
    "bedrock": "aws",
}
"""The library's provider names, by Switchboard's."""

UNPRICED_PROVIDERS = frozenset({"demo"})
"""Providers whose models have no price in the library, only in the overrides."""

_FREE = ":free"
_NOTHING = Rates(fresh_input=0, output=0, cache_read=0, cache_write_5m=0, cache_write_1h=0)


class _Found(NamedTuple):
    """The library's entry, whose it is, and a suffix for the source if that is the model's maker."""

    info: ModelInfo
    seller: str
    suffix: str = ""


class PriceLibrary:
    """The prices that come with genai-prices, as rate cards."""

    def __init__(self, rules: PriceRules | None = None) -> None:
        self._rules = shipped_rules() if rules is None else rules
        self._providers = get_snapshot().providers
        self._source = f"genai-prices {genai_prices.__version__}"
        self._find = lru_cache(maxsize=1024)(self._look_up)

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The card for a call that began at `at` (UTC); None if the library has no price per token for the model."""
        found = self._find(provider, model)
        table = None if found is None else _rate_table(found.info.get_prices(at), model)
        if found is None or table is None:
            return None
        rates, tiers = table
        since, until = _window(found.info, at)
        card = RateCard(
            provider,
            model,
            rates,
            valid_from=since,
            valid_until=until,
            source=f"{self._source}{found.suffix}",
            tiers=tiers,
            entry_id=f"{found.seller}/{found.info.id}",
            variants=tuple(read_variants(found.info, at, is_claude=is_claude(model))),
        )
        return self._rules.apply(card, found.seller, found.info.id)

    @property
    def version(self) -> str:
        """The library with its version, and the rules."""
        return f"{self._source}, rules {self._rules.digest}"

    def models(self) -> Iterator[tuple[str, str]]:
        """Provider and model of all that the library has for our providers, by a name that calls may use."""
        for provider, library_name in LIBRARY_NAMES.items():
            listed = next((each for each in self._providers if each.id == library_name), None)
            for info in () if listed is None else listed.models:
                if name := next((name for name in names(info) if self._entry(library_name, name) is info), None):
                    yield provider, plain(name)

    def starts(self, provider: str, model: str, at: datetime) -> tuple[datetime, ...]:
        """When the model's prices begin, oldest first; of prices by the hour, those of the days around `at`."""
        found = self._find(provider, model)
        changes = set() if found is None else set(_changes(found.info, at))
        is_hourly = any(moment > at - timedelta(days=2) and moment.time() != time() for moment in changes)
        return tuple(sorted(changes if is_hourly else {ALWAYS, *changes}))

    def _look_up(self, provider: str, model: str) -> _Found | None:
        if provider in UNPRICED_PROVIDERS:
            return None
        if (named := LIBRARY_NAMES.get(provider)) and (info := self._entry(named, model)):
            return _Found(info, provider)
        if (made := maker(model)) and (info := self._entry(LIBRARY_NAMES[made[0]], made[1])):
            return _Found(info, made[0], f" as {made[0]}")
        return None

    def _entry(self, library_name: str, model: str) -> ModelInfo | None:
        provider = next((each for each in self._providers if each.id == library_name), None)
        if provider is None:
            return None
        candidates = (provider.find_model(name, all_providers=self._providers) for name in spellings(model))
        return next((info for info in candidates if info is not None), None)


def _rate_table(prices: ModelPrice, model: str) -> tuple[Rates, tuple[Tier, ...]] | None:
    if prices == ModelPrice() and plain(model).endswith(_FREE):
        return _NOTHING, ()
    return read_rates(prices, is_claude=is_claude(model))


def _window(info: ModelInfo, at: datetime) -> tuple[datetime, datetime | None]:
    """The period around `at` in which the model's prices do not change."""
    changes = list(_changes(info, at))
    since = max((moment for moment in changes if moment <= at), default=ALWAYS)
    return since, min((moment for moment in changes if moment > at), default=None)


def _changes(info: ModelInfo, at: datetime) -> Iterator[datetime]:
    dated = [] if isinstance(info.prices, ModelPrice) else info.prices
    for each in (*dated, *(info.price_variants or ())):
        match each.constraint:
            case StartDateConstraint(start_date=day):
                yield datetime.combine(day, time(), UTC)
            case TimeOfDateConstraint(start_time=start, end_time=end):
                for days in (-1, 0, 1):
                    day = (at + timedelta(days=days)).date()
                    yield from (datetime.combine(day, each, each.tzinfo or UTC) for each in (start, end))
            case _:
                pass
