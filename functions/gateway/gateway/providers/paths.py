"""Where under a pasted URL's path a provider serves Chat Completions."""

import re
from collections.abc import Callable

ENDPOINT = "/chat/completions"
_VERSION = re.compile(r"v\d+[a-z0-9]*")


def tidy(path: str) -> str:
    """The path without doubled and trailing slashes."""
    return re.sub("/{2,}", "/", path).rstrip("/")


def completions_path(path: str) -> str:
    """Where under any host's path the calls go.

    A path that ends in `/chat/completions` stays; one that names a version (or one of Azure's deployments) gets
    `/chat/completions`; any other (a bare host, or a path without a version) gets `/v1/chat/completions`.
    """
    trimmed = tidy(path)
    if trimmed.endswith(ENDPOINT):
        return trimmed
    segments = trimmed.split("/")
    is_versioned = "deployments" in segments or any(_VERSION.fullmatch(segment) for segment in segments)
    return trimmed + (ENDPOINT if is_versioned else f"/v1{ENDPOINT}")


type HomePath = Callable[[str, str], str]
"""The path of the calls for one of the provider's own hosts and a pasted path."""


def served_under(base: str) -> HomePath:
    """The join for hosts whose API has the base path `base`, as in `/openai/v1`.

    A bare host, a version alone, and any part of `base` are completed to it: people paste what they remember. Any other
    path is joined as at an unknown host.
    """
    segments = base.strip("/").split("/")

    def join(_host: str, path: str) -> str:
        trimmed = tidy(path)
        pasted = trimmed.strip("/").split("/") if trimmed else []
        is_version = len(pasted) == 1 and _VERSION.fullmatch(pasted[0]) is not None
        return base + ENDPOINT if is_version or _is_part(pasted, segments) else completions_path(trimmed)

    return join


def _is_part(pasted: list[str], segments: list[str]) -> bool:
    length = len(pasted)
    return any(segments[start : start + length] == pasted for start in range(len(segments) - length + 1))
