"""Decides what a search reads: the search rows of one of its terms, or the traces of its task or project."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from switchboard.domain.conversation import CONVERSATION
from switchboard.domain.dimensions import AGENT_METADATA, CALLER_METADATA, CombinationDay, Dimension, bounded
from switchboard.domain.search_terms import Term, metadata_term, model_term
from switchboard.domain.trace import Status
from switchboard.domain.trace_search import TraceSearch

MAX_MODELS = 4
"""Of one search that names a provider or a model, not both: each is read by itself. With more, traces are read."""

_RAREST = (CONVERSATION, "call-sid", CALLER_METADATA)
"""The metadata entries that the fewest calls share, in this order; the others come after them."""

_MODEL = (Dimension.PROVIDER, Dimension.MODEL)


@dataclass(frozen=True, slots=True)
class Rows:
    """Reads the search rows of these terms; the calls of all of them together are those of the filter."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class TaskTraces:
    """Reads the task's traces, by its index."""

    task_id: str


@dataclass(frozen=True, slots=True)
class ProjectTraces:
    """Reads the project's traces."""


type Source = Rows | TaskTraces | ProjectTraces


type _Names = Mapping[Dimension, str]


def needs_totals(search: TraceSearch) -> bool:
    """Whether what the search reads depends on the totals."""
    if search.status is Status.OPEN or _rarest_id(search) is not None:
        return False
    given = _given(search)
    models = len(given.keys() & _MODEL)
    return models == 1 or len(given) - max(0, models - 1) > 1


def plan(search: TraceSearch, days: Sequence[CombinationDay] | None = ()) -> Source:
    """What the search reads. `days`: the totals of the time that it searches, where it needs them; None: too many."""
    if search.status is Status.OPEN:  # only finished calls have search rows
        return ProjectTraces() if search.task_id is None else TaskTraces(search.task_id)
    if (name := _rarest_id(search)) is not None:
        return Rows((metadata_term(name, search.metadata[name]),))
    sources = {source: _calls(days or (), names) for source, names in _sources(_given(search), days)}
    return min(sources, key=sources.__getitem__, default=ProjectTraces())


def _rarest_id(search: TraceSearch) -> str | None:
    names = [name for name in search.metadata if name != AGENT_METADATA]
    return min(names, key=lambda name: (_RAREST.index(name) if name in _RAREST else len(_RAREST), name), default=None)


def _given(search: TraceSearch) -> _Names:
    """The search's values that totals know, but for `ok`, which most calls are."""
    status = None if search.status in {None, Status.OK} else search.status
    given = {
        Dimension.TASK: search.task_id,
        Dimension.ENVIRONMENT: search.environment,
        Dimension.KEY: search.key_id,
        Dimension.AGENT: search.metadata.get(AGENT_METADATA),
        Dimension.PROVIDER: search.provider,
        Dimension.MODEL: search.model,
        Dimension.STATUS: status,
    }
    return {dimension: str(value) for dimension, value in given.items() if value is not None}


def _sources(given: _Names, days: Sequence[CombinationDay] | None) -> Iterator[tuple[Source, _Names]]:
    """What has all of the search's calls, and the values of the calls that it has; the cheapest to read first."""
    for dimension in (Dimension.AGENT, Dimension.KEY, Dimension.STATUS, Dimension.ENVIRONMENT):
        if (value := given.get(dimension)) is not None:
            term = metadata_term(AGENT_METADATA, value) if dimension is Dimension.AGENT else (dimension.value, value)
            yield Rows((term,)), {dimension: value}
    if models := {dimension: given[dimension] for dimension in _MODEL if dimension in given}:
        terms = _model_terms(models, days)
        if terms is not None and len(terms) <= MAX_MODELS:
            yield Rows(terms), models
    if (task_id := given.get(Dimension.TASK)) is not None:
        yield TaskTraces(task_id), {Dimension.TASK: task_id}


def _model_terms(models: _Names, days: Sequence[CombinationDay] | None) -> tuple[Term, ...] | None:
    if len(models) == len(_MODEL):
        return (model_term(models[Dimension.PROVIDER], models[Dimension.MODEL]),)
    if days is None:
        return None
    found = {model_term(*(day.combination[each] for each in _MODEL)) for day in days if _has(day, models)}
    return tuple(sorted(found, key=repr))


def _calls(days: Sequence[CombinationDay], names: _Names) -> int:
    return sum(day.totals.calls for day in days if _has(day, names))


def _has(day: CombinationDay, names: _Names) -> bool:
    return all(day.combination.get(dimension) == bounded(value) for dimension, value in names.items())
