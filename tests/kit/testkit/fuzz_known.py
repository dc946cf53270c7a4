"""Faults of the gateway that fuzzing has found and that are not mended yet: each with an input that shows it.

Fuzzing passes over what is listed here, and only that; `tests/fuzz/test_known.py` fails when an input no longer shows
its fault, so that the entry is removed and fuzzing covers it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from testkit.fuzz_checks import Asked, Said
from testkit.fuzz_gateway import GOOD_STREAM
from testkit.openai_events import finish

LARGE_NAME: dict[str, Any] = {"k" * 600_000: 1}
MANY_FIELDS: dict[str, Any] = {f"field_{'x' * 60}_{number}": 1 for number in range(6000)}
MANY_REASONS = [finish(f"reason {number:_>33}") for number in range(7000)]


@dataclass(frozen=True, slots=True)
class KnownFault:
    """A fault: in words, how its findings begin, what must be in the input, and an example."""

    words: str
    finding: str
    within: re.Pattern[bytes]
    asked: Asked
    said: Said = GOOD_STREAM

    def covers(self, finding: str, asked: Asked, said: Said) -> bool:
        """Whether a finding is this fault's."""
        told = [asked.body, *(value for _, value in asked.headers), *said.pieces]
        told += [value.encode() for value in said.headers.values()]
        return finding.startswith(self.finding) and any(map(self.within.search, told))


def unknown(findings: Iterable[str], asked: Asked, said: Said) -> list[str]:
    """The findings that no known fault covers. A known 500 leaves nothing else of its call to look at."""
    all_found = list(findings)
    known = [found for found in all_found if any(fault.covers(found, asked, said) for fault in KNOWN)]
    if any(found.startswith("500") for found in known):
        return []
    return [found for found in all_found if found not in known]


KNOWN: tuple[KnownFault, ...] = ()
