from datetime import timedelta

import pytest

from switchboard.store import keyspace
from switchboard.store.keyspace import Key
from testkit.samples import NOON, an_open_trace

TRACE_ID = "01a1f8d3-f9a0-7ae9-9af2-915c285ac643"
DIGEST = "ab" * 32


def test_every_key_as_it_is_written() -> None:
    """These keys are stored in every deployment: changing one requires a migration."""
    assert keyspace.gateway_key(DIGEST) == Key(f"KEY#{DIGEST}", "KEY")
    assert keyspace.keys_of_project("acme") == "P#acme#KEYS"
    assert keyspace.key_order(NOON, "key_ab") == "2026-11-20T12:00:00.000000+00:00#key_ab"
    assert keyspace.policy("a#b", None) == Key("P#a%23b#POLICIES", "PROJECT")
    assert keyspace.policy("acme", "book #1") == Key("P#acme#POLICIES", "TASK#book %231")
    assert keyspace.turn("a#b", "0f") == Key("TURNS#a%23b#0f", "TURN")
    assert keyspace.trace("acme", TRACE_ID) == Key("P#acme#TRACES#0", TRACE_ID)
    assert keyspace.trace_in_task("acme", "book #1", TRACE_ID) == Key("P#acme#TASK#book %231#0", TRACE_ID)
    assert keyspace.body("acme", TRACE_ID, 12) == Key(f"P#acme#BODY#{TRACE_ID}", "0012")
    assert keyspace.blob_mark("a%b", DIGEST) == Key(f"P#a%25b#BLOB#{DIGEST}", "MARK")
    assert keyspace.blob_part("acme", DIGEST, 3) == Key(f"P#acme#BLOB#{DIGEST}", "PART#0003")


def test_every_key_of_totals_by_day_and_of_prompts_as_it_is_written() -> None:
    day = NOON.date()
    names = ["booking", "production", "key_0", None, "openai", "gpt-5.1", "ok"]
    assert keyspace.combination_day("a#b", day, names, 3) == Key("P#a%23b#DAYS#3", "2026-11-20#NA0CsJLEGVpAX4qrzXhCMw")
    assert keyspace.latency_day("acme", day, ["booking", None, "é"], 0).pk == "P#acme#LATENCY#0"
    assert keyspace.caller_day("acme", day, "+49301", 1) == Key("P#acme#CALLERS#1", "2026-11-20#n9fqqIDSjZEl-NDRpABcFw")
    assert keyspace.prompt_version("acme", "book #1", "0af", 2) == Key("P#acme#PROMPTS#2", "book %231#0af")


def test_a_range_of_days_has_both_of_its_ends() -> None:
    first, last = keyspace.within_days(NOON.date(), (NOON + timedelta(days=1)).date())
    keys = [keyspace.caller_day("acme", (NOON + timedelta(days=days)).date(), "x", 0).sk for days in range(-1, 3)]
    assert [first <= sk <= last for sk in keys] == [False, True, True, False]


def test_traces_spread_evenly_over_the_shards() -> None:
    used = [keyspace.trace("acme", an_open_trace().trace_id).pk for _ in range(8000)]
    assert {pk: 850 < used.count(pk) < 1150 for pk in set(used)} == {
        keyspace.traces_of_project("acme", shard): True for shard in keyspace.SHARDS
    }


def test_a_key_of_very_long_names_still_fits_dynamodb() -> None:
    in_task = keyspace.trace_in_task("é" * 5000, "#" * 5000, TRACE_ID)
    assert len(in_task.pk.encode()) <= 2048


def test_a_cursor_names_the_trace_it_was_made_from() -> None:
    assert keyspace.read_cursor(keyspace.write_cursor(TRACE_ID)) == TRACE_ID


def test_a_range_ends_before_the_cursor_and_before_until() -> None:
    newer = an_open_trace(started_at=NOON + timedelta(hours=1)).trace_id
    older = an_open_trace(started_at=NOON - timedelta(hours=1)).trace_id
    by_cursor = keyspace.trace_range(None, NOON, keyspace.write_cursor(older))
    by_time = keyspace.trace_range(None, NOON, keyspace.write_cursor(newer))
    assert by_cursor.last < older < by_time.last < an_open_trace().trace_id


@pytest.mark.parametrize("text", [TRACE_ID.upper(), "{" + TRACE_ID[2:], TRACE_ID.replace("-", ""), TRACE_ID + "0"])
def test_only_the_canonical_spelling_is_a_trace_id(text: str) -> None:
    assert keyspace.is_trace_id(TRACE_ID)
    assert not keyspace.is_trace_id(text)
