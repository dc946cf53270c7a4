"""Search rows: their keys, and marks that tell whether a call has a term."""

from dataclasses import replace
from typing import Any

import pytest

from switchboard.domain.search_terms import DEFAULT_METADATA, Term, all_terms
from switchboard.domain.trace import Status, Trace
from switchboard.store import keyspace
from switchboard.store.search import search_items
from testkit.samples import an_open_trace

CALL = replace(an_open_trace(), status=Status.OK, expires_at=1_800_000_000)


def a_row(trace: Trace = CALL) -> Any:
    return search_items.to_items(trace, DEFAULT_METADATA)[0]


def test_a_row_has_its_keys_its_marks_and_the_traces_end() -> None:
    row = a_row()
    term = ("environment", "production")
    shard = keyspace.trace("acme", CALL.trace_id).pk[-1]
    assert row["pk"] == keyspace.searched("acme", term, int(shard))
    assert row["pk"].startswith("P#acme#SEARCH#")
    assert len(row["pk"]) == len("P#acme#SEARCH##0") + 22
    assert row["sk"] == CALL.trace_id
    assert row["expires_at"] == 1_800_000_000
    assert len(row[search_items.MARKS]) == 4 * len(all_terms(CALL, DEFAULT_METADATA)) == 4 * 9


def test_every_row_of_a_call_has_the_same_marks_and_a_key_of_its_own() -> None:
    rows = search_items.to_items(CALL, DEFAULT_METADATA)
    assert len({row["pk"] for row in rows}) == len(rows) == 6
    assert len({row[search_items.MARKS] for row in rows}) == 1


@pytest.mark.parametrize("term", all_terms(CALL, DEFAULT_METADATA))
def test_a_row_has_each_term_of_its_call(term: Term) -> None:
    assert search_items.has_terms(a_row(), [term])
    assert search_items.has_terms(a_row(), [])


@pytest.mark.parametrize(
    "term",
    [
        ("environment", "booking"),
        ("task", "production"),
        ("metadata", "caller-id", "agent_01jz"),
        ("metadata", "agent-id", ""),
        ("status", "open"),
        ("caller-id", "+4930123456"),
    ],
)
def test_a_row_lacks_other_terms(term: Term) -> None:
    assert not search_items.has_terms(a_row(), [term])
    assert not search_items.has_terms(a_row(), [("environment", "production"), term])


def test_a_row_of_a_setting_with_fewer_names_lacks_their_terms() -> None:
    [row, *_] = search_items.to_items(CALL, ["conversation-id"])
    assert search_items.has_terms(row, [("metadata", "conversation-id", "conv_01jzq8")])
    assert not search_items.has_terms(row, [("metadata", "caller-id", "+4930123456")])
