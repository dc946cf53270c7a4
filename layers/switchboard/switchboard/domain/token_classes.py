"""The prices of token classes that a price list leaves out."""

from collections.abc import Mapping

from switchboard.domain.rates import Rates


def complete_rates(
    fresh_input: int,
    output: int,
    cache_read: int | None = None,
    cache_write_5m: int | None = None,
    cache_write_1h: int | None = None,
    *,
    others: Mapping[str, int | None] | None = None,
    is_claude: bool = False,
) -> Rates:
    """The rates in pico-dollars; `others`: those of audio, images and searches, which have no defaults.

    Defaults: a cache read costs the input price. For Claude's models, a cache write costs 1.25 times the input price,
    and twice for an hour; for other models, it costs the input price, and a write for an hour the price of any write.
    """
    if cache_write_5m is None:
        cache_write_5m = _rounded_up(fresh_input * 5, 4) if is_claude else fresh_input
    if cache_write_1h is None:
        cache_write_1h = fresh_input * 2 if is_claude else cache_write_5m
    return Rates(
        fresh_input=fresh_input,
        output=output,
        cache_read=fresh_input if cache_read is None else cache_read,
        cache_write_5m=cache_write_5m,
        cache_write_1h=cache_write_1h,
        **(others or {}),
    )


def _rounded_up(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
