"""What the relay makes of slow providers, through the whole local system: the bench itself, smaller and faster.

The limits leave room for what a busy machine adds, and for so few calls. In virtual time, where nothing is added, they
leave none: tests/unit/gateway/relay/test_tail.py.
"""

import pytest
from bench.relay.draws import Plot
from bench.relay.figures import Figures, figures
from bench.relay.runs import Kind, run

pytestmark = pytest.mark.load

CALLS = 400
SCALE = 0.25


async def _figures(kind: Kind, hang_share: float) -> Figures:
    plot = Plot(CALLS, hang_share, seed=1)
    return figures(await run(kind, plot, calls_a_second=100 if kind is Kind.DIRECT else 40, scale=SCALE))


async def test_hedged_calls_have_a_shorter_tail_than_direct_ones() -> None:
    direct, hedged = await _figures(Kind.DIRECT, 0.0), await _figures(Kind.HEDGING, 0.0)
    assert hedged.p99_ms <= 0.85 * direct.p99_ms
    assert hedged.success_share == 1
    assert hedged.extra_cost <= 0.07


async def test_where_requests_hang_nearly_every_caller_hears_a_word_within_4_s() -> None:
    direct, hedged = await _figures(Kind.DIRECT, 0.01), await _figures(Kind.HEDGING, 0.01)
    assert direct.silent_share >= 0.02
    assert direct.success_share == 0.99
    assert hedged.silent_share <= 0.01
    assert hedged.success_share == 1
    assert hedged.extra_cost <= 0.08
