"""The relay bench through the whole local system, with fewer calls and shorter times.

The limits allow for a busy machine and for the small number of calls. The exact limits are tested in virtual time:
tests/unit/gateway/relay/test_tail.py.
"""

import pytest
from bench.relay.draws import Plot
from bench.relay.figures import Figures, figures
from bench.relay.runs import Mode, run

pytestmark = pytest.mark.load

CALLS = 400
SCALE = 0.25


async def _figures(mode: Mode, hang_share: float) -> Figures:
    plot = Plot(CALLS, hang_share, seed=1)
    return figures(await run(mode, plot, calls_a_second=100 if mode is Mode.DIRECT else 40, scale=SCALE))


async def test_hedged_calls_have_a_shorter_tail_than_direct_ones() -> None:
    direct, hedged = await _figures(Mode.DIRECT, 0.0), await _figures(Mode.HEDGING, 0.0)
    assert hedged.p99_ms <= 0.85 * direct.p99_ms
    assert hedged.success_share == 1
    assert hedged.extra_cost <= 0.07


async def test_if_requests_hang_nearly_every_hedged_call_has_content_within_4_s() -> None:
    direct, hedged = await _figures(Mode.DIRECT, 0.01), await _figures(Mode.HEDGING, 0.01)
    assert direct.silent_share >= 0.02
    assert direct.success_share == 0.99
    assert hedged.silent_share <= 0.01
    assert hedged.success_share == 1
    assert hedged.extra_cost <= 0.08
