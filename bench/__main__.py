"""`python -m bench`: a table of what each door adds to a call."""

import asyncio
import sys
import tempfile
from pathlib import Path

from bench.measure import Added, alone, crowd
from bench.processes import stage

_HEADINGS = ("door", "streams", "+TTFT p50", "+TTFT p99", "way p50", "way p99", "way max", "CPU a call", "whole")


async def _measure() -> list[Added]:
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as doors:
        print("one stream at a time …", file=sys.stderr)
        results = await alone(doors)
        print("fifty at once …", file=sys.stderr)
        return results + await crowd(doors)


def _row(added: Added) -> tuple[str, ...]:
    numbers = (
        added.ttft_p50_ms,
        added.ttft_p99_ms,
        added.way_p50_ms,
        added.way_p99_ms,
        added.way_max_ms,
        added.cpu_ms_a_call,
    )
    return (
        added.door,
        str(added.streams),
        *(f"{number:.2f} ms" for number in numbers),
        "yes" if added.whole else "NO",
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


if __name__ == "__main__":
    print(_table([_HEADINGS, *(_row(added) for added in asyncio.run(_measure()))]))
