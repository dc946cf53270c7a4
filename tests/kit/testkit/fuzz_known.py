"""Faults of the gateway that fuzzing has found and that are not mended yet: each with an input that shows it.

Fuzzing passes over what is listed here, and only that; `tests/fuzz/test_known.py` fails when an input no longer shows
its fault, so that the entry is removed and fuzzing covers it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from testkit.fuzz_bodies import serialised
from testkit.fuzz_checks import Asked, Said
from testkit.fuzz_gateway import GOOD_STREAM, routed
from testkit.openai_events import finish

JSON = {"content-type": "application/json"}
LARGE_NAME: dict[str, Any] = {"k" * 600_000: 1}
MANY_FIELDS: dict[str, Any] = {f"field_{'x' * 60}_{number}": 1 for number in range(6000)}
MANY_REASONS = [finish(f"reason {number:_>33}") for number in range(7000)]
CONSTANTS = re.compile(rb"NaN|Infinity")


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


def _asked(row: str = "openai", headers: dict[str, bytes] | None = None, **fields: Any) -> Asked:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello?"}]} | fields
    return Asked(serialised(body), tuple((routed(row) | (headers or {})).items()))


def _whole(completion: Any) -> Said:
    return Said((serialised(completion),), headers=JSON)


def _completion(message: dict[str, Any], usage: dict[str, Any] | None = None) -> Said:
    return _whole({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage})


_NATIVE_MESSAGE = {"content": [{"type": "text", "text": "Ja."}], "stop_reason": "end_turn"}

KNOWN: tuple[KnownFault, ...] = (
    KnownFault(
        "A provider's content-type is passed on, whatever it is.",
        "a content-type of the provider's",
        re.compile(rb""),
        _asked(stream=False),
        Said((serialised({"choices": [{"message": {"content": "a"}}]}),), headers={"content-type": "text/html"}),
    ),
    KnownFault(
        "Control characters in a provider's content-type are passed on.",
        "a header that HTTP cannot carry",
        re.compile(rb"[\x00-\x1f\x7f]"),
        _asked(stream=False),
        Said((serialised({"choices": [{"message": {"content": "a"}}]}),), headers={"content-type": "a\x00b"}),
    ),
    KnownFault(
        "Control characters in a provider's retry-after are passed on.",
        "a header that HTTP cannot carry",
        re.compile(rb"[\x00-\x1f\x7f]"),
        _asked(),
        Said((b"{}",), 429, {"content-type": "application/json", "retry-after": "1\r\nx: y"}),
    ),
    KnownFault(
        "A refusal of a call whose task has a name that is not Latin-1 is a 500.",
        "500",
        re.compile(rb"^[^{]*[\x80-\xff]"),
        Asked(b"{}", (("x-inference-task-id", "予約".encode()),)),
    ),
)
