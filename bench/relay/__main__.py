"""`python -m bench.relay`: the same calls direct, with fallback and with hedging, without hangs and with some."""

import argparse
import asyncio
import sys
from pathlib import Path

from bench.relay.draws import Plot
from bench.relay.figures import figures
from bench.relay.picture import picture
from bench.relay.runs import Kind, Run, run
from bench.relay.table import noise, table

SEED = 2026
CALLS_A_SECOND = 25.0
HANG_SHARES = {"steady": 0.0, "hangs": 0.01}


def main(arguments: list[str]) -> None:
    """Print the tables, and draw the pictures where a folder is named."""
    parser = argparse.ArgumentParser("bench.relay", description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="how many for each way")
    parser.add_argument("--scale", type=float, default=1.0, help="shrinks every time, for a quick look: 0.25")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--pictures", type=Path, help="the folder to draw into")
    options = parser.parse_args(arguments)
    for name, hang_share in HANG_SHARES.items():
        plot = Plot(options.calls, hang_share, options.seed)
        runs = [_run(kind, plot, options.scale) for kind in Kind]
        rows = [figures(one) for one in runs]
        print(f"{hang_share:.0%} of requests are never answered:\n\n{table(rows)}\n\n{noise(rows)}\n")
        if options.pictures is not None:
            (options.pictures / f"relay-{name}.svg").write_bytes(picture(runs))


def _run(kind: Kind, plot: Plot, scale: float) -> Run:
    print(f"{kind.value}: {plot.calls} calls, {plot.hang_share:.0%} hangs …", file=sys.stderr)
    return asyncio.run(run(kind, plot, calls_a_second=CALLS_A_SECOND, scale=scale))


if __name__ == "__main__":
    main(sys.argv[1:])
