"""What a token class costs when a price list leaves it out."""

from switchboard.domain.rates import Rates


def complete_rates(
    fresh_input: int,
    output: int,
    cache_read: int | None = None,
    cache_write_5m: int | None = None,
    cache_write_1h: int | None = None,
    *,
    is_claude: bool = False,
) -> Rates:
    """The rates of all classes, in pico-dollars per token.

    A cache read costs what input costs. A cache write costs 1.25 times the input at Claude's models (twice for an
    hour), and what input costs elsewhere; a write for an hour costs there what any write costs.
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
    )


def _rounded_up(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
