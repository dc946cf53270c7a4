"""`python -m bench.relay`: the same calls direct, with fallback and with hedging, with and without hanging requests."""

import argparse
import asyncio
import sys
from pathlib import Path

from bench.relay.draws import Plot
from bench.relay.figures import figures
from bench.relay.picture import picture
from bench.relay.runs import Mode, Run, run
from bench.relay.table import noise, table

SEED = 2026
CALLS_A_SECOND = 25.0
HANG_SHARES = {"steady": 0.0, "hangs": 0.01}


def main(arguments: list[str]) -> None:
    """Print the tables, and write the pictures if a folder is given."""
    parser = argparse.ArgumentParser("bench.relay", description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="how many for each mode")
    parser.add_argument("--scale", type=float, default=1.0, help="a factor for every time: 0.25 gives a quick result")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--pictures", type=Path, help="the folder for the pictures")
    options = parser.parse_args(arguments)
    for name, hang_share in HANG_SHARES.items():
        plot = Plot(options.calls, hang_share, options.seed)
        runs = [_run(mode, plot, options.scale) for mode in Mode]
        rows = [figures(one) for one in runs]
        print(f"{hang_share:.0%} of requests are never answered:\n\n{table(rows)}\n\n{noise(rows)}\n")
        if options.pictures is not None:
            (options.pictures / f"relay-{name}.svg").write_bytes(picture(runs))


def _run(mode: Mode, plot: Plot, scale: float) -> Run:
    print(f"{mode.value}: {plot.calls} calls, {plot.hang_share:.0%} hangs …", file=sys.stderr)
    return asyncio.run(run(mode, plot, calls_a_second=CALLS_A_SECOND, scale=scale))


if __name__ == "__main__":
    main(sys.argv[1:])
