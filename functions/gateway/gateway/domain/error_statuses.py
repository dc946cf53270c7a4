"""What a provider's error status says: whose fault it is, and whether the same request may succeed a moment later."""

REQUEST_FAULTS = frozenset({400, 409, 413, 415, 422})
ABOUT_THE_KEY = frozenset({401, 403})

_TRANSIENT = frozenset({408, 425, 429, 498})
"""Statuses below 500 that a retry of the same request may not get again. 498: Groq's flex tier has no capacity."""
_SERVER_FAULTS_FROM = 500


def is_transient(status: int | None) -> bool:
    """Whether the same request may succeed a moment later; True where no status was told."""
    return status is None or status >= _SERVER_FAULTS_FROM or status in _TRANSIENT
