"""The shapes of costs in the API's JSON. The field names are a public contract."""

from typing import NotRequired, TypedDict

from pydantic import with_config

from console.shape_config import DESCRIBED
from switchboard.domain.totals import Granularity


@with_config(DESCRIBED)
class RatesJson(TypedDict):
    """US dollars per million tokens, by class, as exact decimal text; without the classes that have no price."""

    fresh_input: str
    output: str
    cache_read: NotRequired[str]
    cache_write_5m: NotRequired[str]
    cache_write_1h: NotRequired[str]
    audio_input: NotRequired[str]
    audio_cache_read: NotRequired[str]
    audio_output: NotRequired[str]
    image_input: NotRequired[str]
    image_cache_read: NotRequired[str]
    image_output: NotRequired[str]


@with_config(DESCRIBED)
class PriceJson(TypedDict):
    """The rates that the tokens were multiplied by, and where they come from."""

    source: str
    id: str | None
    """The entry of the price list."""
    valid_from: str
    service_tier: str | None
    """Where the rates depend on it; the same for region and speed."""
    region: str | None
    speed: str | None
    usd_per_million: RatesJson
    usd_per_search: str | None


@with_config(DESCRIBED)
class CorrectionJson(TypedDict):
    """An earlier cost of a call."""

    cost_usd: str | None
    reason: str
    at: str


@with_config(DESCRIBED)
class SettlementJson(TypedDict):
    """The cost of a call."""

    cost_usd: str | None
    unpriced: bool | None
    partly_priced: bool | None
    unpriced_classes: list[str] | None
    price: PriceJson | None
    settled_at: str | None
    revision: int | None
    corrections: list[CorrectionJson] | None


@with_config(DESCRIBED)
class AttemptCostJson(TypedDict):
    """The cost of an attempt whose answer was not used."""

    cost_usd: str | None
    price: PriceJson | None


@with_config(DESCRIBED)
class CountersJson(TypedDict):
    """Sums over calls."""

    calls: int
    errors: int
    """Calls that failed while their caller was waiting."""
    cost_usd: str
    """The sum of the known costs: read it together with `unpriced_calls`."""
    unpriced_calls: int
    """Calls of unknown cost, which is not in the sum."""
    partly_priced_calls: int
    """Calls whose cost lacks a token class without a price."""
    estimated_calls: int
    """Calls with estimated tokens, even if only those of one attempt."""
    prompt_tokens: int
    completion_tokens: int
    cache_read_tokens: int


@with_config(DESCRIBED)
class TaskJson(CountersJson):
    """A task's sums over all time."""

    task_id: str
    first_seen: str
    last_seen: str


@with_config(DESCRIBED)
class TasksJson(TypedDict):
    """Every task that has a settled call, the most expensive first."""

    tasks: list[TaskJson]


@with_config(DESCRIBED)
class PeriodJson(CountersJson):
    """The sums of the part of a period that was asked for, [start, end)."""

    start: str
    end: str


@with_config(DESCRIBED)
class PercentilesJson(TypedDict):
    """Percentiles of a time in milliseconds, within 3 %; null without calls that have it."""

    count: int
    """How many calls have it."""
    p50: float | None
    p95: float | None
    p99: float | None


class LatencyJson(TypedDict):
    """Percentiles over the `ok` calls, from a call's arrival."""

    ttft_ms: PercentilesJson
    first_sentence_ms: PercentilesJson
    duration_ms: PercentilesJson


class TokensJson(TypedDict):
    """Tokens in disjoint classes, except that `reasoning` is part of `output`; and web searches."""

    fresh_input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int
    reasoning: int
    audio_input: int
    audio_cache_read: int
    audio_output: int
    image_input: int
    image_cache_read: int
    image_output: int
    searches: int


@with_config(DESCRIBED)
class SumsJson(TypedDict):
    """Sums over calls. Money is US dollars as exact decimal text."""

    calls: int
    errors: int
    """Calls that failed while their caller was waiting."""
    cost_usd: str
    """The sum of the known costs: read it together with `unpriced_calls`."""
    unheard_usd: str
    """The part of the cost that paid for answers which nobody heard: hedges, retries, calls that were overtaken."""
    saved_usd: str
    """How much more cached input would have cost as fresh input."""
    unpriced_calls: int
    """Calls of unknown cost, which is not in the sum."""
    partly_priced_calls: int
    """Calls whose cost lacks a token class without a price."""
    estimated_calls: int
    """Calls with estimated tokens, even if only those of one attempt."""
    tokens: TokensJson


@with_config(DESCRIBED)
class CostSumsJson(SumsJson):
    """Sums over calls, and what follows from them."""

    cost_per_call_usd: str | None
    """The cost of each priced call, rounded to 10⁻¹² dollars; null without one."""
    latency: LatencyJson | None
    """Null unless `latency=true` was asked for."""


class GroupJson(TypedDict, total=False):
    """The names of a group: those of `group_by`; null for calls that had none."""

    task: str | None
    environment: str | None
    key: str | None
    agent: str | None
    provider: str | None
    model: str | None
    status: str | None
    caller: str | None
    hour: str
    day: str
    month: str


@with_config(DESCRIBED)
class CostRowJson(CostSumsJson):
    """The sums of one group."""

    group: GroupJson


ProjectCostsJson = TypedDict(
    "ProjectCostsJson",
    {
        "from": str,
        "to": str,
        "timezone": str,
        "dimensions_since": str | None,
        "notes": list[str],
        "total": CostSumsJson,
        "rows": list[CostRowJson],
        "truncated": bool,
    },
)
"""The costs of a project. `from` and `to` are the range that was counted, `timezone` that of its days."""

# `from` is a keyword of Python, so that this shape cannot be written as a class.
TaskCostsJson = TypedDict(
    "TaskCostsJson",
    {
        "task_id": str,
        "from": str,
        "to": str,
        "granularity": Granularity,
        "total": CountersJson,
        "periods": list[PeriodJson],
    },
)
"""A task's costs; `from` and `to` are the range that was counted."""
