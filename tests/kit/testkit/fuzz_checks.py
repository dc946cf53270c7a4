"""What a fuzzed call sends and gets, and what must hold of it whatever it is."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Never

from switchboard.domain.trace import Status, Trace
from switchboard.store.traces import trace_items
from testkit.twins.gateway import PROJECT

HALVES = re.compile(rb"\\u[dD][89a-fA-F]")
"""Halves of surrogate pairs, and whole pairs, as JSON escapes them."""
MOST_ROW_BYTES = 400_000
"""DynamoDB's limit for an item."""
MOST_TOKENS = 10**9
"""No answer has more: what is told beyond it is no count."""
_OWN_TYPES = ("application/json", "text/event-stream")
_HEADER_VALUE = re.compile(rb"[\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Said:
    """What the provider answers."""

    pieces: tuple[bytes, ...]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller sends: the body, and headers beside those that every call has."""

    body: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """What the caller got."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value; empty where there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name.encode()), "")


def faults_of_answer(heard: Heard) -> Iterator[str]:
    """What is wrong with what the caller got."""
    if heard.status == 500 or b'"internal_error"' in heard.body:
        yield f"500: {heard.body[:300]!r}"
    for name, value in heard.headers:
        if not _HEADER_VALUE.fullmatch(value):
            yield f"a header that HTTP cannot carry: {name!r}: {value[:80]!r}"
    if heard.status != 500 and not heard.header("content-type").startswith(_OWN_TYPES):
        yield f"a content-type of the provider's: {heard.header('content-type')!r}"
    documents = [heard.body]
    if heard.header("content-type").startswith("text/event-stream"):
        documents = list(_event_data(heard.body))
    for document in documents:
        if (fault := strict_json_fault(document)) is not None:
            yield f"the caller gets {fault}: {document[:120]!r}"


def faults_of_refusal(asked: Asked, heard: Heard) -> Iterator[str]:
    """What is wrong with a refusal of the body."""
    if heard.status == 400 and b"is not JSON" in heard.body and HALVES.search(asked.body):
        with suppress(ValueError, RecursionError):
            json.loads(asked.body)
            yield f"half of a surrogate pair is refused: {heard.body[:200]!r}"


def _event_data(body: bytes) -> Iterator[bytes]:
    """What a client of server-sent events takes for the events' data, the end marker left out."""
    for event in re.split(rb"\r\n\r\n|\n\n|\r\r", body):
        lines = [line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")]
        if lines and b"\n".join(lines).strip() != b"[DONE]":
            yield b"\n".join(lines)


def faults_of_request(sent: bytes | None, headers: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with what the provider got, None where it got nothing."""
    if sent is not None and (fault := strict_json_fault(sent)) is not None:
        yield f"the provider gets {fault}: {sent[:120]!r}"
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            yield f"the provider gets a header that it may refuse: {name}: {value!r}"


def faults_of_record(heard: Heard, traces: Mapping[tuple[str, str], Trace]) -> Iterator[str]:
    """What is wrong with what is kept of the call."""
    trace = traces.get((PROJECT, heard.header("x-inference-trace-id")))
    if trace is None:
        yield "no trace"
        return
    if trace.status is Status.OPEN:
        yield "the trace is open"
    item = trace_items.to_item(trace, 0)
    text = json.dumps(item, default=repr, ensure_ascii=False)
    if len(text.encode("utf-8", "surrogatepass")) > MOST_ROW_BYTES:
        yield "the row is too large for the table"
    if (fault := strict_json_fault(text.encode("utf-8", "surrogatepass"))) is not None:
        yield f"the row has {fault}"
    tokens = [usage.tokens for usage in trace.usages if usage.tokens is not None]
    if any(token.prompt + token.output > MOST_TOKENS for token in tokens):
        yield "the row counts more tokens than there can be"


def strict_json_fault(document: bytes) -> str | None:
    """Why a strict parser refuses the document; None where it does not."""
    try:
        text = document.decode()
        json.dumps(json.loads(text, parse_constant=_refuse, parse_int=int), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair"
    except UnicodeDecodeError:
        return "bytes that are no UTF-8"
    except RecursionError:
        return None  # deep, and well-formed as far as it was read
    except ValueError as refused:
        return f"no JSON ({refused})"
    return None


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON")
