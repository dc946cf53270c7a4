"""Rows by dimension ⇄ what they tell. Names are attributes of one letter; a name that is missing was not told."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from switchboard.domain.dimensions import CallerDay, CombinationDay, Dimension, LatencyDay, PromptVersion
from switchboard.store import latency_items, total_items

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
    return CombinationDay(_day(item), names, total_items.short_totals(item))


def caller_day(item: Mapping[str, Any]) -> CallerDay:
    """The sums of a caller's row."""
    return CallerDay(_day(item), item[CALLER], total_items.short_totals(item))


def latency_day(item: Mapping[str, Any]) -> LatencyDay:
    """The histograms of a row."""
    task_id, provider, model = (item.get(NAMES[each]) for each in (Dimension.TASK, Dimension.PROVIDER, Dimension.MODEL))
    return LatencyDay(_day(item), task_id or "", provider, model, latency_items.histograms(item))


def prompt_version(item: Mapping[str, Any]) -> PromptVersion:
    """The sums of a prompt version's row."""
    return PromptVersion(
        item.get(NAMES[Dimension.TASK], ""),
        item[VERSION],
        total_items.short_totals(item),
        total_items.span(item),
        item[EXAMPLE],
    )


def _day(item: Mapping[str, Any]) -> date:
    return date.fromisoformat(item["sk"].partition("#")[0])
