"""A call, parsed and trusted, and the targets it may be sent to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum

from gateway.domain.secret import Secret
from switchboard.domain.policy import NO_POLICIES, FallbackTarget, HedgeAfter, ProjectPolicies
from switchboard.stream.deltas import Json


class Capture(IntEnum):
    """What is kept of a call's content; of two settings the lower holds."""

    NONE = 0
    """Neither bodies nor metadata."""
    METADATA = 1
    """Metadata, no bodies."""
    FULL = 2
    """Bodies and metadata."""


@dataclass(frozen=True, slots=True)
class Chat:
    """The request body: what the gateway looks at, and every other field as it came."""

    model: str
    messages: tuple[Json, ...]
    streamed: bool
    wants_usage: bool
    others: Json


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the project, the public name of the key that said so, and what the project wants of its calls."""

    project: str
    key_id: str
    policies: ProjectPolicies = NO_POLICIES


@dataclass(frozen=True, slots=True)
class Route:
    """Where the caller says the call should go, and how; what is None is left to the model's name and to the policies.

    `key` is for the first target, `keys` for any target of the provider they are named for.
    """

    provider: str | None = None
    url: str | None = None
    key: Secret | None = None
    keys: Mapping[str, Secret] = field(default_factory=dict)
    fallback: tuple[FallbackTarget, ...] | None = None
    ttft_timeout_ms: int | None = None
    hedge_after: HedgeAfter | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a call came: the time of day, the monotonic moment, and the milliseconds it had waited before (or None).

    `remaining_ms`: how long the platform lets the call run from then on, None where it sets no limit.
    """

    at: datetime
    moment: float
    queue_ms: float | None = None
    remaining_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """What a call is counted and found under.

    `conversation` is the metadata's, also where none is kept. `is_zero_retention`: nothing of the content may be kept.
    """

    task_id: str = "default"
    environment: str = "default"
    metadata: Mapping[str, str] = field(default_factory=dict)
    conversation: str | None = None
    capture: Capture = Capture.FULL
    is_zero_retention: bool = False
    notes: tuple[str, ...] = ()

    def under_zero_retention(self) -> "Labels":
        """The labels of a call of whose content nothing may be kept."""
        return replace(self, metadata={}, capture=Capture.NONE, is_zero_retention=True)


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way through. `secrets` are the keys that came with it: nothing kept or said may show them."""

    trace_id: str
    arrival: Arrival
    auth_ms: float
    caller: Caller
    labels: Labels
    route: Route
    chat: Chat
    body: bytes
    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """One place to send a call: the complete URL, the provider that bills it, the dialect it speaks, the key it wants.

    `patience_ms`: how long it may be silent (for a whole answer: how long that may take) before the next target starts.
    `blames_silence`: whether it has failed then; not where its caller is in more haste than the policy.
    `key` is the caller's own; None means the key stored for `provider`, and only where `uses_stored_key`.
    """

    provider: str
    url: str
    host: str
    model: str
    patience_ms: int
    key: Secret | None = None
    uses_stored_key: bool = False
    dialect: str = "generic"
    blames_silence: bool = True
