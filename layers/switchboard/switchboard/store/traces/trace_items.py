"""Trace ⇄ item: `from_item(to_item(trace, …)) == trace`, unless the item would not fit the table (`row_fit`).

Every later update is billed by the size of the whole item: usual items are below 1 KB. So names are short, ids are
bytes, and what follows from another attribute is left out. Names of attributes that are rare, or that other functions
write, are not short. Rows of earlier versions, which have full names alone, are read too.
"""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from switchboard.domain.trace import Trace
from switchboard.domain.trace_id import created_at
from switchboard.store import keyspace
from switchboard.store.attributes import Item
from switchboard.store.columns import UUIDS, Column, Table, each, hexadecimal, inner
from switchboard.store.traces import trace_documents
from switchboard.store.traces.trace_documents import Document

KIND = "trace"

_ATTEMPT = Table(
    Column("provider", "p"),
    Column("model", "m"),
    Column("host", "h"),
    Column("outcome", "o", usual="ok"),
    Column("started_ms", "s"),
    Column("duration_ms", "d"),
    Column("status", "c", usual=200),
    Column("ttft_ms", "t"),
    Column("usage", "u"),
)
_TURN = Table(Column("turn_id", "i", hexadecimal()), Column("retry", "r"), Column("thread_id", "t", hexadecimal()))
_REQUEST_IDS = Table(Column("provider", "p", UUIDS), Column("lambda", "l", UUIDS), Column("api_gateway", "g", UUIDS))
_KNOWN_METADATA = Table(
    Column("agent-id", "a"),
    Column("conversation-id", "c"),
    Column("caller-id", "f"),
    Column("called-number", "t"),
    Column("call-sid", "s"),
    Column("call-duration-secs", "d"),
)
_TRACE = Table(
    Column("environment", "e", usual="default"),
    Column("streamed", "s", usual=True),
    Column("key_id", "k", hexadecimal("key_")),
    Column("provider", "p"),
    Column("model", "m"),
    Column("known_metadata", "md", inner(_KNOWN_METADATA)),
    Column("ttft_ms", "t"),
    Column("first_sentence_ms", "fs"),
    Column("longest_stall_ms", "ls"),
    Column("duration_ms", "d"),
    Column("gateway_ms", "g"),
    Column("queue_ms", "q"),
    Column("usage", "u"),
    Column("finish_reason", "f"),
    Column("attempts", "a", each(_ATTEMPT)),
    Column("turn", "tn", inner(_TURN)),
    Column("has_bodies", "b"),
    Column("prompt_version", "v", hexadecimal()),
    Column("prompt_characters", "pc"),
    Column("excerpt", "x"),
    Column("request_ids", "r", inner(_REQUEST_IDS)),
)
_SHARED = {"provider": "provider", "model": "model", "started_ms": "gateway_ms"}
"""The fields of an attempt that are left out where they equal that field of its call."""
_SHORT_METADATA = _KNOWN_METADATA.names


def to_item(trace: Trace, expires_at: int) -> Item:
    """The row of a trace, to be deleted after `expires_at` (epoch seconds); it fits the table."""
    key = keyspace.trace(trace.project, trace.trace_id)
    in_task = keyspace.trace_in_task(trace.project, trace.task_id, trace.trace_id)
    keys = {"pk": key.pk, "sk": key.sk, "gsi1pk": in_task.pk, "gsi1sk": in_task.sk}
    document = _without_what_follows(trace_documents.to_document(trace), _told_by(keys))
    return {**keys, "kind": KIND, "expires_at": expires_at, **_TRACE.shortened(document)}


def from_item(item: Mapping[str, Any]) -> Trace:
    """The trace of a row. Raises KeyError or ValueError if it is not a trace."""
    document = _TRACE.lengthened(item)
    return trace_documents.from_document(_with_what_follows(document, _told_by(item)))


def _told_by(keys: Mapping[str, Any]) -> Document:
    """The fields that a row's keys tell."""
    project, task_id = keyspace.labels_of_trace(keys.get("pk", ""), keys.get("gsi1pk", ""))
    try:
        started_at = created_at(keys["sk"]).astimezone(UTC).isoformat()
    except ValueError:
        started_at = None
    return {"trace_id": keys["sk"], "project": project, "task_id": task_id, "started_at": started_at}


def _without_what_follows(document: Document, told: Document) -> Document:
    """The document without what its keys tell, and without what its attempts have in common with it."""
    common = _common(document)
    metadata: Mapping[str, str] = document.get("metadata", {})
    parts: Document = {
        "known_metadata": {name: text for name, text in metadata.items() if name in _SHORT_METADATA},
        "metadata": {name: text for name, text in metadata.items() if name not in _SHORT_METADATA},
        "attempts": [_unlike(attempt, common) for attempt in document.get("attempts", ())],
    }
    return _unlike({**document, **{name: part or None for name, part in parts.items()}}, {**told, "metadata": None})


def _common(document: Document) -> Document:
    """What a call's usual attempt has in common with it."""
    return {name: document.get(own) for name, own in _SHARED.items()}


def _unlike(document: Document, other: Document) -> Document:
    return {name: value for name, value in document.items() if name not in other or value != other[name]}


def _with_what_follows(document: Document, told: Document) -> Document:
    """The whole document again."""
    common = _common(document)
    return {
        **{name: value for name, value in told.items() if value is not None},
        **document,
        "metadata": {**document.get("known_metadata", {}), **(document.get("metadata") or {})},
        "attempts": [{**common, **attempt} for attempt in document.get("attempts") or ()],
    }
