"""Settling anew changes money alone: in every row that a call counts in, and by exactly the difference."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, PRICED_CLASSES, RateCard, Rates
from switchboard.domain.repricing import Revision, awaited_models, corrected, repriced
from switchboard.domain.totals import COUNTERS
from switchboard.domain.trace import AttemptRecord, Failure, Status, Trace
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.store.keyspace import Key
from switchboard.store.ledger import total_items
from switchboard.store.ledger.addition import Addition, by_row
from switchboard.store.ledger.rows import additions, differences
from testkit.samples import NOON, an_open_trace

MONEY = {"cost_pico_usd", "unpriced_calls", "partly_priced_calls", "unheard_pico_usd", "saved_pico_usd"}
MODELS = [("openai", "a"), ("openai", "b"), ("groq", "c"), ("generic", None)]
LATER = NOON + timedelta(days=2)

COUNTS = st.integers(0, 1000)
TOKENS = st.builds(Tokens, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, audio_input=COUNTS, searches=COUNTS)
COUNTED = st.builds(Usage, st.sampled_from([UsageSource.PROVIDER, UsageSource.ESTIMATED]), TOKENS)
BILLED = st.builds(Usage, st.just(UsageSource.PROVIDER), TOKENS, COUNTS)
USAGES = COUNTED | COUNTED | COUNTED | BILLED | st.just(ABSENT)
RATES = st.builds(Rates, COUNTS, COUNTS, *[st.none() | COUNTS] * (len(PRICED_CLASSES) - 2))
BOOKS = st.dictionaries(st.sampled_from(MODELS), RATES)
WHOLE_BOOKS = st.fixed_dictionaries(dict.fromkeys(MODELS, RATES))
ATTEMPTS = st.builds(
    lambda names, outcome, usage: AttemptRecord(names[0], "host", names[1] or "", outcome, 1.0, 2.0, usage=usage),
    st.sampled_from(MODELS),
    st.sampled_from(["ok", "outpaced", "timeout"]),
    USAGES,
)


@st.composite
def calls(draw: st.DrawFn) -> Trace:
    provider, model = draw(st.sampled_from(MODELS))
    status = draw(st.sampled_from([status for status in Status if status is not Status.OPEN]))
    return replace(
        an_open_trace(started_at=NOON),
        provider=provider,
        model=model,
        status=status,
        ttft_ms=draw(st.none() | st.floats(1, 9999)),
        duration_ms=draw(st.none() | st.floats(1, 9999)),
        usage=draw(USAGES),
        attempts=draw(st.lists(ATTEMPTS, max_size=3).map(tuple)),
        failure=None if status is Status.OK else Failure("some_code", "It went wrong.", 502),
        prompt_version=draw(st.none() | st.just("0123456789ab")),
        expires_at=int(LATER.timestamp()) + 86_400,
    )


def card_of(book: dict[Any, Rates]) -> Any:
    def card(provider: str, model: str, _at: datetime) -> RateCard | None:
        rates = book.get((provider, model or None))
        return None if rates is None else RateCard(provider, model, rates, ALWAYS, "a test")

    return card


@st.composite
def revisions(draw: st.DrawFn) -> Revision | None:
    """A call that was settled with one book and is settled anew with another."""
    trace = settled(draw(calls()), card_of(draw(BOOKS | WHOLE_BOOKS)), NOON)
    card = card_of(draw(WHOLE_BOOKS))
    named = corrected(trace, card, trace.provider or "", trace.model or "", reason="a test", at=LATER)
    return draw(st.sampled_from([repriced(trace, card, LATER) or named, named]))


def counted(rows: dict[Key, Addition]) -> dict[Key, Counter[str]]:
    return {key: Counter(dict(added.counters)) for key, added in rows.items()}


@given(revisions())
def test_only_money_changes_and_by_the_difference(revision: Revision | None) -> None:
    if revision is None:
        return
    before, after = revision.before, revision.after
    assert replace(after, settlement=before.settlement) == before
    changed = by_row(differences(before, after, 3))
    for added in changed.values():
        names = {total_items.whole_name(counter) for counter in added.counters}
        assert names <= MONEY < set(COUNTERS)
    was, now = counted(by_row(additions(before, 3))), counted(by_row(additions(after, 3)))
    assert was.keys() == now.keys() >= changed.keys()
    for key in now:
        difference = Counter(dict(changed[key].counters)) if key in changed else Counter[str]()
        sums = Counter(was[key])
        sums.update(difference)
        assert {name: count for name, count in sums.items() if count} == dict(now[key])


@given(revisions())
def test_a_call_never_waits_for_more_than_before_and_counts_how_often_it_was_settled(revision: Revision | None) -> None:
    if revision is None:
        return
    before, after = revision.before.settlement, revision.after.settlement
    assert before
    assert after
    assert set(awaited_models(revision.after)) <= set(awaited_models(revision.before))
    assert after.revision == before.revision + 1
    assert after.settled_at == LATER
    known = before.cost_pico_usd is not None
    assert after.cost_pico_usd is not None or not known
    if known:
        assert after.corrections[-1].cost_pico_usd == before.cost_pico_usd


@given(calls(), BOOKS, BOOKS)
def test_what_is_settled_anew_with_the_same_prices_stays(trace: Trace, one: Any, other: Any) -> None:
    settled_once = settled(trace, card_of(one), NOON)
    assert repriced(settled_once, card_of(one), LATER) is None
    revision = repriced(settled_once, card_of(other), LATER)
    assert revision is None or repriced(revision.after, card_of(other), LATER) is None
