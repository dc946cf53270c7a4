"""What a call adds to rows by dimension, and what is read from them."""

from dataclasses import replace
from datetime import timedelta

from switchboard.domain.dimensions import Latency, combination_of
from switchboard.domain.histogram import Histogram, bucket_of
from switchboard.domain.settlement import Settlement
from switchboard.domain.totals import COUNTERS, Span, Totals, totals_of
from switchboard.domain.trace import Status, Trace
from switchboard.store.ledger import dimension_items, total_items
from switchboard.store.ledger.addition import Addition, Scope
from switchboard.store.ledger.dimension_rows import additions
from switchboard.store.ledger.total_items import counters, moment_text, short
from testkit.samples import NOON, a_usual_usage, an_open_trace

ENDED = replace(
    an_open_trace(),
    status=Status.OK,
    usage=a_usual_usage(),
    ttft_ms=412.5,
    duration_ms=1800.0,
    prompt_version="0123456789ab",
    settlement=Settlement(NOON, 7),
    expires_at=1_800_000_000,
)


def _added(trace: Trace = ENDED) -> list[Addition]:
    return list(additions(trace, short(counters(totals_of(trace))), 2))


def _stored(added: Addition) -> dict[str, object]:
    """The row that the addition makes."""
    span = added.span and {"first_seen": moment_text(added.span.first), "last_seen": moment_text(added.span.last)}
    return {"pk": added.key.pk, "sk": added.key.sk, **added.names, **added.counters, **(span or {})}


def test_what_is_added_is_read_again() -> None:
    combination, latency, caller, prompt = map(_stored, _added())
    day = dimension_items.combination_day(combination)
    assert (day.day, day.combination, day.totals) == (NOON.date(), combination_of(ENDED), totals_of(ENDED))
    times = dimension_items.latency_day(latency)
    assert (times.day, times.task_id, times.provider, times.model) == (
        *(NOON.date(), "booking"),
        *("anthropic", "claude-sonnet-4-5"),
    )
    assert times.histograms == {
        Latency.TTFT: Histogram({bucket_of(412.5): 1}),
        Latency.FIRST_SENTENCE: Histogram(),
        Latency.DURATION: Histogram({bucket_of(1800.0): 1}),
    }
    assert dimension_items.caller_day(caller).caller == "+4930123456"
    assert dimension_items.caller_day(caller).totals == totals_of(ENDED)
    [version] = dimension_items.prompt_versions([prompt])
    assert (version.task_id, version.version, version.example) == ("booking", "0123456789ab", ENDED.trace_id)
    assert (version.totals, version.seen) == (totals_of(ENDED), Span(NOON, NOON))


def test_a_call_that_failed_early_has_a_combination_only() -> None:
    failed = replace(ENDED, status=Status.REFUSED, provider=None, model=None, metadata={}, prompt_version=None)
    [combination] = _added(failed)
    assert set(combination.names) == {"t", "e", "k", "s"}


def test_a_caller_is_kept_as_long_as_any_trace_of_the_day() -> None:
    combination, latency, caller, prompt = _added()
    assert caller.expires_at == 1_800_000_000 + 25 * 3600
    assert combination.expires_at is latency.expires_at is None
    assert prompt.expires_at == int((NOON + timedelta(days=400)).timestamp())
    assert [each.scope for each in _added()] == [Scope.DAY, Scope.DAY, Scope.DAY, Scope.ALWAYS]


def test_every_counter_has_a_short_name_of_its_own() -> None:
    assert set(total_items.SHORT) >= set(COUNTERS)
    assert len(set(total_items.SHORT.values())) == len(total_items.SHORT)
    every = Totals(*range(1, len(COUNTERS) + 1))
    assert total_items.short_totals(short(counters(every))) == every
