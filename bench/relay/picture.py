"""Draws the share of calls without content over time, a line for each mode."""

import math
from collections.abc import Sequence
from typing import Any

import pygal
from pygal.style import Style

from bench.relay.callers import HANG_UP_MS
from bench.relay.figures import ASKED_AGAIN_MS, silent_share, waits
from bench.relay.runs import Mode, Run

LONGEST_MS = 10_000
_STEP_MS = 100
_DECADES = (1.0, 0.1, 0.01, 0.001)
_FLOOR = math.log10(0.0004)
_COLOURS = {Mode.DIRECT: "#d1495b", Mode.FALLBACK: "#c98a1b", Mode.HEDGING: "#1f9d8a"}
_GREY, _FAINT = "#808890", "#80889066"
"""Readable on a light and on a dark page."""


def picture(runs: Sequence[Run]) -> bytes:
    """An SVG without scripts, external resources or background."""
    chart = pygal.XY(
        style=Style(
            background="transparent",
            plot_background="transparent",
            foreground=_GREY,
            foreground_strong=_GREY,
            foreground_subtle=_FAINT,
            guide_stroke_color=_FAINT,
            major_guide_stroke_color=_FAINT,
            colors=(*(_COLOURS[run.mode] for run in runs), _GREY),
            font_family="sans-serif",
            label_font_size=13,
            major_label_font_size=13,
            legend_font_size=14,
            title_font_size=15,
            transition="0s",
            stroke_width=2.5,
            stroke_opacity=1,
        ),
        width=760,
        height=420,
        margin=8,
        margin_bottom=24,
        title=f"Calls without content ({runs[0].plot.hang_share:.0%} of requests are never answered)",
        x_title="seconds since the call",
        show_dots=False,
        legend_at_bottom=True,
        legend_at_bottom_columns=len(runs) + 1,
        legend_box_size=11,
        range=(_FLOOR, 0),
        xrange=(0, LONGEST_MS / 1000),
        x_labels=list(range(LONGEST_MS // 1000 + 1)),
        y_labels=[{"label": f"{share:.1%}".replace(".0%", "%"), "value": math.log10(share)} for share in _DECADES],
        js=(),
    )
    chart.uuid = "relay"  # a random id would change the file with every run
    for run in runs:
        chart.add(run.mode.value, _tail(waits(run)))
    asked_again_s = ASKED_AGAIN_MS / 1000
    mark = [(asked_again_s, _FLOOR), (asked_again_s, 0)]
    chart.add("4 s: asked again", mark, stroke_style={"dasharray": "6, 5"})
    chart.add_xml_filter(_static)
    return bytes(chart.render())


def _tail(waits_ms: Sequence[float]) -> list[tuple[float, float]]:
    """Points of seconds and the logarithm of the share that waits longer, until that share is 0."""
    points = []
    for ms in range(0, min(LONGEST_MS, round(HANG_UP_MS)) + 1, _STEP_MS):
        share = silent_share(waits_ms, ms)
        if share == 0:
            break
        points.append((ms / 1000, round(math.log10(share), 4)))
    return points


def _static(root: Any) -> Any:  # noqa: ANN401 - the library chooses its XML implementation
    """The picture without the elements that only scripts use."""
    for parent in list(root.iter()):
        for child in list(parent):
            is_note = not isinstance(child.tag, str) or child.tag.endswith(("script", "desc"))
            if is_note or "tooltip" in child.get("class", ""):
                parent.remove(child)
    return root
