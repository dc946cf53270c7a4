"""Patterns of host names."""

import re
from collections.abc import Callable
from functools import lru_cache

type RegionOf = Callable[[str], str | None]
"""Reads the region from a host's name; None where it has none."""


def no_region(_host: str) -> str | None:
    """None: the provider's hosts do not name regions."""
    return None


def region_in(pattern: str) -> RegionOf:
    """Reads the region from host names that the pattern matches: the text of the group that took part."""
    compiled = re.compile(pattern)

    def region_of(host: str) -> str | None:
        found = compiled.fullmatch(host.lower())
        return None if found is None else found[found.lastindex or 0]

    return region_of


def is_host_of(host: str, pattern: str) -> bool:
    """Whether the pattern matches the whole host name. `*` stands for one label or a part of it, never for a dot."""
    return _compiled(pattern).fullmatch(host.lower()) is not None


@lru_cache(maxsize=1024)
def is_any_host_of(host: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns matches the host name. Remembered: each call asks it of its own few hosts."""
    return any(is_host_of(host, pattern) for pattern in patterns)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", "[a-z0-9-]+"))
