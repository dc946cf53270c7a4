"""Terms: what a call can be found by, and the setting that names metadata."""

from dataclasses import replace

import pytest

from switchboard.domain.limits import MAX_SEARCHED_NAMES
from switchboard.domain.search_terms import (
    DEFAULT_METADATA,
    all_terms,
    indexed_terms,
    is_found,
    read_metadata_names,
    wanted_terms,
)
from switchboard.domain.trace import Status, Turn
from switchboard.domain.trace_search import TraceSearch
from testkit.samples import an_open_trace

CALL = replace(
    an_open_trace(), status=Status.TIMEOUT, turn=Turn("turn", 0, "0a1b"), metadata={"agent-id": "", "x": "y"}
)


def test_a_call_has_a_row_for_each_term_and_its_thread_for_a_conversation() -> None:
    assert indexed_terms(CALL, DEFAULT_METADATA) == (
        ("environment", "production"),
        ("model", "anthropic", "claude-sonnet-4-5"),
        ("key", "key_0123456789ab"),
        ("status", "timeout"),
        ("metadata", "conversation-id", "thread:0a1b"),
        ("metadata", "agent-id", ""),
    )
    ok = replace(CALL, status=Status.OK, provider=None, model=None, metadata={}, turn=None)
    assert indexed_terms(ok, DEFAULT_METADATA) == (("environment", "production"), ("key", "key_0123456789ab"))


def test_a_search_wants_the_terms_that_a_call_has() -> None:
    search = TraceSearch(
        task_id=CALL.task_id,
        environment=CALL.environment,
        key_id=CALL.key_id,
        provider=CALL.provider,
        model=CALL.model,
        status=CALL.status,
        metadata={"agent-id": "", "conversation-id": "thread:0a1b"},
    )
    assert set(wanted_terms(search)) == set(all_terms(CALL, search.metadata))
    assert is_found(CALL, search)
    assert not is_found(replace(CALL, model="gpt"), search)
    assert not is_found(replace(CALL, metadata={}), search)
    assert wanted_terms(TraceSearch()) == ()


def test_a_call_under_way_is_found_by_its_status_or_its_task_alone() -> None:
    under_way = an_open_trace()
    assert is_found(under_way, TraceSearch())
    assert is_found(under_way, TraceSearch(task_id="booking"))
    assert is_found(under_way, TraceSearch(status=Status.OPEN, environment="production"))
    assert not is_found(under_way, TraceSearch(environment="production"))
    assert not is_found(under_way, TraceSearch(status=Status.OPEN, environment="staging"))


def test_the_setting_names_each_once_and_always_conversations() -> None:
    assert read_metadata_names(" caller-id, tenant ,,caller-id") == ("conversation-id", "caller-id", "tenant")
    assert read_metadata_names(",".join(DEFAULT_METADATA)) == DEFAULT_METADATA


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (",".join(f"name-{number}" for number in range(MAX_SEARCHED_NAMES)), "10 names at most, not 11"),
        ("caller-id," + "x" * 65, "64 characters at most, not 65"),
    ],
)
def test_a_setting_out_of_bounds_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_metadata_names(text)
