"""Patterns of host names."""

import re
from functools import lru_cache


def is_host_of(host: str, pattern: str) -> bool:
    """Whether the pattern matches the whole host name. `*` stands for one label or a part of it, never for a dot."""
    return _compiled(pattern).fullmatch(host.lower()) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", "[a-z0-9-]+"))
