"""The results of the relay bench as figures, as a table and as a picture."""

import math
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from bench.relay.callers import Received
from bench.relay.draws import Plot
from bench.relay.figures import Figures, figures, quantile, silent_share, waits
from bench.relay.picture import picture
from bench.relay.runs import Mode, Run
from bench.relay.table import noise, table
from bench.relay.twins import ANSWER_TOKENS, PROMPT_TOKENS, Tally

HUNDRED = [float(number) for number in range(1, 101)]
SVG = "{http://www.w3.org/2000/svg}"


def _run(mode: Mode = Mode.HEDGING) -> Run:
    """Of 100 calls 97 are answered by the first target 5 ms late, two by the second after 4.5 s, one by none."""
    plot = Plot(100, 0.0, 1)
    received = [Received((ms or 0) + 5, 0, is_complete=True) for ms in plot.first_tokens_ms(0)]
    received[10], received[20], received[30] = (
        Received(4500, 1, is_complete=True),
        Received(4500, 1, is_complete=True),
        Received(),
    )
    tallies = [Tally(100, 100 * PROMPT_TOKENS, 97 * ANSWER_TOKENS), Tally(3, 3 * PROMPT_TOKENS, 2 * ANSWER_TOKENS)]
    return Run(mode, plot, received, tallies, 0.25)


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (0.999, 100), (1, 100), (0, 1)])
def test_a_quantile_is_the_least_value_that_such_a_share_does_not_exceed(share: float, value: float) -> None:
    assert quantile(HUNDRED, share) == value


def test_the_silent_share_counts_longer_waits() -> None:
    assert silent_share(HUNDRED, 98) == 0.02
    assert silent_share([1.0, math.inf], 1e9) == 0.5


def test_a_caller_without_content_waits_infinitely() -> None:
    *received, never = waits(_run())
    assert never == math.inf
    assert max(received) < math.inf


def test_answers_costs_and_delays_are_counted() -> None:
    found = figures(_run())
    assert found.success_share == 0.99
    assert found.extra_cost == pytest.approx(
        (3 * PROMPT_TOKENS - ANSWER_TOKENS) / 100 / (PROMPT_TOKENS + ANSWER_TOKENS)
    )
    assert found.requests == (100, 3)
    assert found.added_p50_ms == pytest.approx(5)
    assert found.added_p99_ms == pytest.approx(5)
    assert found.p999_ms == math.inf


def test_an_incomplete_answer_is_no_success() -> None:
    run = _run()
    run.received[0] = replace(run.received[0], is_complete=False)
    assert figures(run).success_share == 0.98


def _figures(p999_ms: float, extra_cost: float) -> Figures:
    return Figures(
        mode=Mode.DIRECT,
        p50_ms=400.4,
        p95_ms=2037,
        p99_ms=4000,
        p999_ms=p999_ms,
        success_share=0.9995,
        silent_share=0.0015,
        extra_cost=extra_cost,
        requests=(2000, 3, 0),
        added_p50_ms=1,
        added_p99_ms=2,
        gateway_cpu_share=None,
    )


def test_the_table_shows_waits_that_never_ended() -> None:
    *_, first, second = table([_figures(math.inf, -0.0004), _figures(7975, 0.053)]).splitlines()
    cells = [cell.strip() for cell in first.strip("|").split("|")]
    assert cells == [
        "direct",
        "400 ms",
        "2,037 ms",
        "4,000 ms",
        "over 20 s",
        "99.95%",
        "0.15%",
        "0.0%",
        "2000 + 3 + 0",
    ]
    assert "7,975 ms" in second
    assert "5.3%" in second


def test_the_noise_line_has_the_added_time_and_the_gateways_cpu_share() -> None:
    assert noise([figures(_run())]) == (
        "hedging: 5.0 ms more than the provider took (p99 5.0 ms), the gateway busy for 25% of one core"
    )
    assert "busy" not in noise([_figures(1, 0)])


def test_the_picture_has_a_line_for_each_mode_and_one_at_4_s_and_no_scripts_or_links() -> None:
    drawn = picture([_run(Mode.DIRECT), _run(Mode.HEDGING)])
    assert drawn == picture([_run(Mode.DIRECT), _run(Mode.HEDGING)])
    assert len(drawn) < 20_000
    root = ET.fromstring(drawn)
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert {"direct", "hedging", "4 s: asked again", "0.1%", "100%"} <= set(words)
    lines = [path for path in root.iter(f"{SVG}path") if "line" in path.get("class", "").split()]
    assert len([path for path in lines if "reactive" in path.get("class", "")]) == 3
    assert not list(root.iter(f"{SVG}script"))
    assert b"http" not in drawn.replace(b"http://www.w3.org/", b"")
