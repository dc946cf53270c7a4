"""Formats the figures as a Markdown table."""

import math
from collections.abc import Sequence

from bench.relay.callers import HANG_UP_MS
from bench.relay.figures import Figures

_HEADINGS = ("mode", "p50", "p95", "p99", "p99.9", "answered", "silent after 4 s", "extra cost", "requests")


def table(rows: Sequence[Figures]) -> str:
    """One row for each mode."""
    lines = [_HEADINGS, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    ruled = [lines[0], tuple("-" * width for width in widths), *lines[1:]]
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in ruled)


def noise(rows: Sequence[Figures]) -> str:
    """What the machine itself adds to the figures."""
    return "\n".join(
        f"{row.mode.value}: {row.added_p50_ms:.1f} ms more than the provider took (p99 {row.added_p99_ms:.1f} ms)"
        + ("" if row.gateway_cpu_share is None else f", the gateway busy for {row.gateway_cpu_share:.0%} of one core")
        for row in rows
    )


def _cells(row: Figures) -> tuple[str, ...]:
    times = (_time(ms) for ms in (row.p50_ms, row.p95_ms, row.p99_ms, row.p999_ms))
    requests = " + ".join(map(str, row.requests))
    silent, extra = f"{row.silent_share:.2%}", f"{row.extra_cost:.1%}".replace("-0.0%", "0.0%")
    return (row.mode.value, *times, f"{row.success_share:.2%}", silent, extra, requests)


def _time(ms: float) -> str:
    return f"over {HANG_UP_MS / 1000:.0f} s" if math.isinf(ms) else f"{ms:,.0f} ms"
