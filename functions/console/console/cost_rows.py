"""The costs of a project in the API's JSON format. The field names are a public contract."""

from collections.abc import Sequence
from datetime import UTC, date
from functools import reduce
from operator import add
from typing import cast

from console.cost_groups import Group, Latencies
from console.cost_question import CostQuestion, Source
from console.cost_shapes import (
    CostRowJson,
    CostSumsJson,
    GroupJson,
    LatencyJson,
    PercentilesJson,
    ProjectCostsJson,
)
from console.moments import iso_utc
from console.sums_json import sums_json
from switchboard.domain.dimensions import Latency
from switchboard.domain.histogram import Histogram
from switchboard.domain.rates import usd
from switchboard.domain.totals import ZERO, Totals

BEGAN_LATER = "Totals by these names have every call from {day} on (UTC); calls before may be missing."
BEGIN_LATER = "Totals by these names do not have every call of a day yet."
SOME_BEGAN_LATER = (
    "`unheard_usd`, `saved_usd`, `partly_priced_calls` and the tokens of audio, images and searches have every call "
    "from {day} on (UTC); calls before may be missing in them."
)
SOME_BEGIN_LATER = (
    "`unheard_usd`, `saved_usd`, `partly_priced_calls` and the tokens of audio, images and searches do not have every "
    "call of a day yet."
)

_DIGITS = 3


def project_costs_json(
    question: CostQuestion, groups: Sequence[Group], shown: Sequence[Group], since: date | None
) -> ProjectCostsJson:
    """The sums of all groups together, and of each that is shown. `since`: the first day with every call."""
    return {
        "from": iso_utc(question.since),
        "to": iso_utc(question.until),
        "timezone": "UTC" if question.zone is UTC else str(question.zone),
        "dimensions_since": None if since is None else since.isoformat(),
        "notes": [*question.notes, *_incomplete(question, since)],
        "total": _sums(_together(question, groups)),
        "rows": [_row(question, group) for group in shown],
        "truncated": len(shown) < len(groups),
    }


def _incomplete(question: CostQuestion, since: date | None) -> list[str]:
    """What the answer may lack. A task's own rows are older than those by names, but not all of their counters."""
    is_of_task = question.source in (Source.HOURS, Source.TASK) and not question.with_latency
    if since is None:
        return [SOME_BEGIN_LATER if is_of_task else BEGIN_LATER]
    note = SOME_BEGAN_LATER if is_of_task else BEGAN_LATER
    return [note.format(day=since.isoformat())] if question.days.first < since else []


def _together(question: CostQuestion, groups: Sequence[Group]) -> Group:
    totals = reduce(add, (group.totals for group in groups), ZERO)
    if not question.with_latency:
        return Group((), totals)
    found = [group.latencies or {} for group in groups]
    return Group((), totals, {each: Histogram.sum_of(of.get(each, _NONE) for of in found) for each in Latency})


_NONE = Histogram()


def _row(question: CostQuestion, group: Group) -> CostRowJson:
    names = dict(zip(map(str, question.group_by), group.key, strict=True))
    return {"group": cast("GroupJson", names), **_sums(group)}


def _sums(group: Group) -> CostSumsJson:
    return {
        **sums_json(group.totals),
        "cost_per_call_usd": _per_call(group.totals),
        "latency": None if group.latencies is None else _latency(group.latencies),
    }


def _per_call(totals: Totals) -> str | None:
    priced = totals.calls - totals.unpriced_calls
    return usd((2 * totals.cost_pico_usd + priced) // (2 * priced)) if priced else None


def _latency(found: Latencies) -> LatencyJson:
    return {
        "ttft_ms": _percentiles(found.get(Latency.TTFT, _NONE)),
        "first_sentence_ms": _percentiles(found.get(Latency.FIRST_SENTENCE, _NONE)),
        "duration_ms": _percentiles(found.get(Latency.DURATION, _NONE)),
    }


def _percentiles(histogram: Histogram) -> PercentilesJson:
    return {
        "count": histogram.count,
        "p50": _rounded(histogram.percentile(50)),
        "p95": _rounded(histogram.percentile(95)),
        "p99": _rounded(histogram.percentile(99)),
    }


def _rounded(value_ms: float | None) -> float | None:
    return None if value_ms is None else round(value_ms, _DIGITS)
