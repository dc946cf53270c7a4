"""Sums over calls in the API's JSON format."""

from typing import cast

from console.cost_shapes import SumsJson, TokensJson
from switchboard.domain.rates import usd
from switchboard.domain.totals import Totals


def sums_json(totals: Totals) -> SumsJson:
    """The sums, with tokens by class."""
    return {
        "calls": totals.calls,
        "errors": totals.errors,
        "cost_usd": usd(totals.cost_pico_usd),
        "unheard_usd": usd(totals.unheard_pico_usd),
        "saved_usd": usd(totals.saved_pico_usd),
        "unpriced_calls": totals.unpriced_calls,
        "partly_priced_calls": totals.partly_priced_calls,
        "estimated_calls": totals.estimated_calls,
        "tokens": cast("TokensJson", {name: getattr(totals, name) for name in TokensJson.__annotations__}),
    }
