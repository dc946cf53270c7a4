"""Rows by dimension ⇄ what they tell. Names are attributes of one letter; a name that is missing was not told."""

from collections.abc import Iterable, Mapping
from typing import Any

from switchboard.domain.dimensions import CallerDay, CombinationDay, Dimension, LatencyDay, PromptVersion
from switchboard.store import keyspace
from switchboard.store.ledger import latency_items, total_items

NAMES = {
    Dimension.TASK: "t",
    Dimension.ENVIRONMENT: "e",
    Dimension.KEY: "k",
    Dimension.AGENT: "a",
    Dimension.PROVIDER: "p",
    Dimension.MODEL: "m",
    Dimension.STATUS: "s",
}
CALLER = "c"
VERSION = "v"
EXAMPLE = "x"


def combination_day(item: Mapping[str, Any]) -> CombinationDay:
    """The sums of a combination's row."""
    names = {dimension: item.get(name) for dimension, name in NAMES.items()}
    return CombinationDay(keyspace.day_of(item["sk"]), names, total_items.short_totals(item))


def caller_day(item: Mapping[str, Any]) -> CallerDay:
    """The sums of a caller's row."""
    return CallerDay(keyspace.day_of(item["sk"]), item[CALLER], total_items.short_totals(item))


def latency_day(item: Mapping[str, Any]) -> LatencyDay:
    """The histograms of a row."""
    task_id, provider, model = (item.get(NAMES[each]) for each in (Dimension.TASK, Dimension.PROVIDER, Dimension.MODEL))
    return LatencyDay(keyspace.day_of(item["sk"]), task_id or "", provider, model, latency_items.histograms(item))


def prompt_versions(items: Iterable[Mapping[str, Any]]) -> tuple[PromptVersion, ...]:
    """The prompt versions in these rows, summed over their shards, in the order of their last calls."""
    found: dict[str, PromptVersion] = {}
    for item in items:
        one = _prompt_version(item)
        found[item["sk"]] = found[item["sk"]] + one if item["sk"] in found else one
    return tuple(sorted(found.values(), key=lambda version: (version.seen.last, version.task_id, version.version)))


def _prompt_version(item: Mapping[str, Any]) -> PromptVersion:
    return PromptVersion(
        item[NAMES[Dimension.TASK]],
        item[VERSION],
        total_items.short_totals(item),
        total_items.span(item),
        item[EXAMPLE],
    )
