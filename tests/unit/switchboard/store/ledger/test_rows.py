"""What settled calls add to rows of totals."""

from dataclasses import replace
from datetime import timedelta
from itertools import chain

from switchboard.domain.settlement import Settlement
from switchboard.domain.totals import Span, Totals, totals_of
from switchboard.domain.trace import Status, Trace
from switchboard.store import keyspace
from switchboard.store.ledger.addition import by_row
from switchboard.store.ledger.rows import additions
from switchboard.store.ledger.total_items import counters
from testkit.samples import NOON, a_usual_usage, an_open_trace


def _settled(minutes: float, task_id: str = "booking") -> Trace:
    call = an_open_trace(task_id=task_id, started_at=NOON + timedelta(minutes=minutes))
    return replace(call, status=Status.OK, usage=a_usual_usage(), settlement=Settlement(NOON, 7))


def test_calls_of_one_hour_share_their_rows() -> None:
    calls = [_settled(0), _settled(5), _settled(61)]
    rows = by_row(added for call in calls for added in additions(call, 2))
    task = rows[keyspace.task_totals("acme", "booking", 2)]
    assert task.counters == counters(sum(map(totals_of, calls), Totals()))
    assert task.names == {"task_id": "booking"}
    assert task.span == Span(calls[0].started_at, calls[2].started_at)
    assert rows[keyspace.hour_totals("acme", "booking", NOON, 2)].counters["calls"] == 2
    assert rows[keyspace.hour_totals("acme", "booking", calls[2].started_at, 2)].counters["cost_pico_usd"] == 7


def test_the_shards_of_a_row_differ_in_the_last_part_of_their_pk_only() -> None:
    call = _settled(0, "a#task%")
    rows = [[added.key for added in additions(call, shard)] for shard in keyspace.TOTALS_SHARDS]
    for shard, keys in enumerate(rows):
        assert keys == [keyspace.in_shard(key, shard) for key in rows[0]]
    assert len(set(chain.from_iterable(rows))) == len(keyspace.TOTALS_SHARDS) * len(rows[0])
