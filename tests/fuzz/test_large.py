"""However much of one thing a call brings, its row fits the table."""

from typing import Any

import pytest

from testkit.fuzz_bodies import serialised
from testkit.fuzz_checks import Asked, Said
from testkit.fuzz_gateway import FuzzedGateway, routed
from testkit.openai_events import DONE, chunk, finish

MEGABYTE = 10**6
LARGE_NAME: dict[str, Any] = {"k" * 600_000: 1}
MANY_FIELDS: dict[str, Any] = {f"field_{'x' * 60}_{number}": 1 for number in range(6000)}
MANY_REASONS = [finish(f"reason {number:_>33}") for number in range(7000)]
METADATA = {f"x-inference-metadata-{number}": "é".encode() * 1000 for number in range(50)}

REQUESTS: dict[str, tuple[dict[str, Any], dict[str, bytes]]] = {
    "a field with a long name": (LARGE_NAME, {}),
    "many fields": (MANY_FIELDS, {}),
    "many fields of a message": ({"messages": [{"role": "user", "content": "a"} | MANY_FIELDS]}, {}),
    "many extra fields": ({"elevenlabs_extra_body": MANY_FIELDS}, {}),
    "a long user's id": ({"user_id": "u" * MEGABYTE}, {}),
    "a long name of a tool": ({"tools": [{"type": "function", "function": {"name": "f" * MEGABYTE}}]}, {}),
    "a part of a long type": ({"messages": [{"role": "user", "content": [{"type": "t" * MEGABYTE}]}]}, {}),
    "all metadata there may be": ({}, METADATA),
    "many fallbacks": ({}, {"x-inference-fallback": b",".join([b"groq/x"] * 5000)}),
}


@pytest.mark.parametrize("row", ["anthropic", "mistral", "openai"])
@pytest.mark.parametrize("what", REQUESTS)
def test_a_large_request(gateway: FuzzedGateway, what: str, row: str) -> None:
    fields, headers = REQUESTS[what]
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello?"}]} | fields
    asked = Asked(serialised(body), tuple((routed(row) | headers).items()))
    assert gateway.faults(asked) == []


ANSWERS: dict[str, Said] = {
    "a long finish reason": Said((chunk("a"), finish("r" * MEGABYTE), DONE)),
    "many finish reasons": Said((chunk("a"), *MANY_REASONS, DONE)),
    "a long error": Said((b'{"error": {"message": "%b", "code": "%b"}}' % (b"e" * MEGABYTE, b"c" * MEGABYTE),), 400),
    "a long error in a stream": Said((b'data: {"error": {"message": "%b"}}\n\n' % (b"e" * MEGABYTE),)),
    "a long model": Said((chunk("a"), b'data: {"model": "%b", "choices": []}\n\n' % (b"m" * MEGABYTE), finish(), DONE)),
    "a long retry-after": Said((b"{}",), 429, {"retry-after": "1" * 10_000}),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_a_large_answer(gateway: FuzzedGateway, what: str) -> None:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello?"}]}
    asked = Asked(serialised(body), tuple(routed("generic").items()))
    assert gateway.faults(asked, ANSWERS[what]) == []
