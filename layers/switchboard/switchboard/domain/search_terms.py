"""The terms by which calls are found: a name and a value, of a call or of a search."""

from collections.abc import Iterable

from switchboard.domain.conversation import CONVERSATION, conversation_of
from switchboard.domain.dimensions import AGENT_METADATA, CALLER_METADATA, bounded
from switchboard.domain.limits import MAX_SEARCHED_NAME_CHARACTERS, MAX_SEARCHED_NAMES
from switchboard.domain.trace import Status, Trace
from switchboard.domain.trace_search import TraceSearch

type Term = tuple[str | None, ...]
"""`("environment", "production")`, `("metadata", "caller-id", "+4930123456")`."""

DEFAULT_METADATA = (CONVERSATION, CALLER_METADATA, AGENT_METADATA, "call-sid", "called-number")
"""The metadata entries that calls are found by, unless the setting `SEARCH_METADATA` says otherwise."""


def read_metadata_names(text: str) -> tuple[str, ...]:
    """The names in the setting's text, comma-separated, and always that of conversations, whose calls are listed by it.

    Raises ValueError for too many, or too long a one.
    """
    given = (name.strip() for name in text.split(",") if name.strip())
    names = tuple(dict.fromkeys((CONVERSATION, *given)))
    if len(names) > MAX_SEARCHED_NAMES:
        raise ValueError(f"may have {MAX_SEARCHED_NAMES} names at most, not {len(names)}")
    if longest := max((name for name in names if len(name) > MAX_SEARCHED_NAME_CHARACTERS), key=len, default=None):
        raise ValueError(f"may have names of {MAX_SEARCHED_NAME_CHARACTERS} characters at most, not {len(longest)}")
    return names


def indexed_terms(trace: Trace, names: Iterable[str]) -> tuple[Term, ...]:
    """The terms that a finished call has a search row for; of metadata, these names.

    Provider and model share a row. Most calls are `ok`, which is found among all calls.
    """
    model = () if trace.provider is None and trace.model is None else (model_term(trace.provider, trace.model),)
    status = () if trace.status is Status.OK else (("status", trace.status.value),)
    return ("environment", trace.environment), *model, ("key", trace.key_id), *status, *_metadata(trace, names)


def all_terms(trace: Trace, names: Iterable[str]) -> tuple[Term, ...]:
    """Every term of the call that a search can ask for; of metadata, these names."""
    plain = (
        ("task", trace.task_id),
        ("environment", trace.environment),
        ("key", trace.key_id),
        ("provider", trace.provider),
        ("model", trace.model),
        ("status", trace.status.value),
    )
    return *(term for term in plain if term[1] is not None), *_metadata(trace, names)


def wanted_terms(search: TraceSearch) -> tuple[Term, ...]:
    """What a call must have to be found."""
    plain = (
        ("task", search.task_id),
        ("environment", search.environment),
        ("key", search.key_id),
        ("provider", search.provider),
        ("model", search.model),
        ("status", None if search.status is None else search.status.value),
    )
    metadata = (metadata_term(name, value) for name, value in search.metadata.items())
    return *(term for term in plain if term[1] is not None), *metadata


def is_found(trace: Trace, search: TraceSearch) -> bool:
    """Whether the call has every term of the search, whatever its time.

    Calls under way are found by `status=open` or by nothing but their task: other searches go by rows that a call gets
    when it is settled.
    """
    wanted = set(wanted_terms(search))
    is_plain = search.status is Status.OPEN or wanted <= {("task", search.task_id)}
    return (is_plain or trace.status is not Status.OPEN) and wanted <= set(all_terms(trace, search.metadata))


def model_term(provider: str | None, model: str | None) -> Term:
    """The term that provider and model share, with names as totals have them: from there one is found for the other."""
    return "model", bounded(provider), bounded(model)


def metadata_term(name: str, value: str) -> Term:
    """The term of a metadata entry."""
    return "metadata", name, value


def _metadata(trace: Trace, names: Iterable[str]) -> tuple[Term, ...]:
    found = ((name, _value(trace, name)) for name in names)
    return tuple(metadata_term(name, value) for name, value in found if value is not None)


def _value(trace: Trace, name: str) -> str | None:
    """The entry; for a conversation's id, the call's thread where it has none."""
    return conversation_of(trace) if name == CONVERSATION else trace.metadata.get(name)
