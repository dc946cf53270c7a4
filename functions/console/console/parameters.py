"""Reads query parameters; an error names the parameter."""

from collections.abc import Iterable, Sequence

from console.errors import ParameterInvalid


def once_each(pairs: Iterable[tuple[str, str]], known: Sequence[str]) -> dict[str, str]:
    """The values by name. Raises ParameterInvalid for a parameter that is unknown, repeated or empty."""
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise ParameterInvalid(f"There is no parameter `{name}`. {_available(known)}", param=name)
        if name in given:
            raise ParameterInvalid(f"`{name}` may only be given once.", param=name)
        if not value:
            raise ParameterInvalid(f"`{name}` is empty. Leave it out instead.", param=name)
        given[name] = value
    return given


def _available(known: Sequence[str]) -> str:
    return f"The parameters are {', '.join(f'`{name}`' for name in known)}." if known else "This route has none."
