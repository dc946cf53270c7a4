"""A query's pairs become its parameters, or a no that names the one at fault."""

from collections.abc import Iterable, Sequence

from console.errors import ParameterInvalid


def once_each(pairs: Iterable[tuple[str, str]], known: Sequence[str]) -> dict[str, str]:
    """The values by name. Raises ParameterInvalid for what is unknown, repeated or empty."""
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise ParameterInvalid(f"There is no parameter `{name}`. {_those(known)}", param=name)
        if name in given:
            raise ParameterInvalid(f"`{name}` may be given once.", param=name)
        if not value:
            raise ParameterInvalid(f"`{name}` is empty. Leave it out instead.", param=name)
        given[name] = value
    return given


def _those(known: Sequence[str]) -> str:
    return f"There are {', '.join(f'`{name}`' for name in known)}." if known else "There is none at all."
