"""Search rows: a call under one of its terms, with marks of all of them.

A mark is four bytes that follow from a term, whatever its length. A row that lacks the mark of a wanted term is of
another call; one that has them is of a call that is found, but for one in a billion: its trace decides.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from switchboard.domain.search_terms import Term, all_terms, indexed_terms
from switchboard.domain.trace import Trace
from switchboard.store import keyspace
from switchboard.store.attributes import Item

MARKS = "m"
_MARK_BYTES = 4


def to_items(trace: Trace, names: Iterable[str]) -> tuple[Item, ...]:
    """The rows of a finished call, which expire with its trace; `names`: of the metadata that can be searched for."""
    names = tuple(names)
    marks = b"".join(sorted(_mark(term) for term in all_terms(trace, names)))
    return tuple(
        {
            "pk": keyspace.search_row(trace.project, term, trace.trace_id).pk,
            "sk": trace.trace_id,
            MARKS: marks,
            "expires_at": trace.expires_at,
        }
        for term in indexed_terms(trace, names)
    )


def has_terms(item: Mapping[str, Any], terms: Iterable[Term]) -> bool:
    """Whether the row's call has all of these terms, as far as the marks tell."""
    marks = item[MARKS]
    own = {marks[start : start + _MARK_BYTES] for start in range(0, len(marks), _MARK_BYTES)}
    return all(_mark(term) in own for term in terms)


def _mark(term: Term) -> bytes:
    return zlib.crc32(json.dumps(term).encode()).to_bytes(_MARK_BYTES)
