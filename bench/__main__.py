"""`python -m bench`: a table of what each endpoint adds to a call."""

import asyncio
import sys
import tempfile
from pathlib import Path

from bench.measure import Added, alone, crowd
from bench.processes import running_bench

_HEADINGS = (
    "endpoint",
    "streams",
    "+TTFT p50",
    "+TTFT p99",
    "chunk p50",
    "chunk p99",
    "chunk max",
    "CPU a call",
    "complete",
)


async def _measure() -> list[Added]:
    with tempfile.TemporaryDirectory() as folder, running_bench(Path(folder)) as running:
        print("one stream at a time …", file=sys.stderr)
        results = await alone(running)
        print("fifty at once …", file=sys.stderr)
        return results + await crowd(running)


def _row(added: Added) -> tuple[str, ...]:
    numbers = (
        added.ttft_p50_ms,
        added.ttft_p99_ms,
        added.latency_p50_ms,
        added.latency_p99_ms,
        added.latency_max_ms,
        added.cpu_ms_a_call,
    )
    return (
        added.endpoint,
        str(added.streams),
        *(f"{number:.2f} ms" for number in numbers),
        "yes" if added.complete else "NO",
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


if __name__ == "__main__":
    print(_table([_HEADINGS, *(_row(added) for added in asyncio.run(_measure()))]))
