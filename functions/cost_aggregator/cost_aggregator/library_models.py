"""The names under which calls name the library's models."""

from collections.abc import Iterator

from genai_prices.types import ClauseEquals, ClauseOr, ClauseStartsWith, MatchLogic, ModelInfo


def names(info: ModelInfo) -> Iterator[str]:
    """The model's id, then the names that it is matched by; some of these may be the beginnings of names only."""
    yield info.id
    yield from _matched(info.match)


def _matched(clause: MatchLogic) -> Iterator[str]:
    match clause:
        case ClauseEquals(equals=name) | ClauseStartsWith(starts_with=name):
            yield name
        case ClauseOr(or_=clauses):
            for each in clauses:
                yield from _matched(each)
        case _:
            pass
