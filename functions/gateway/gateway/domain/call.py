"""A parsed and validated call, and the targets it can be sent to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum

from gateway.domain.secret import Secret
from switchboard.domain.policy import NO_POLICIES, FallbackTarget, HedgeAfter, ProjectPolicies
from switchboard.stream.deltas import Json


class Capture(IntEnum):
    """What is stored of a call's content; of two settings the lower one applies."""

    NONE = 0
    """Neither bodies nor metadata."""
    METADATA = 1
    """Metadata, no bodies."""
    FULL = 2
    """Bodies and metadata."""


@dataclass(frozen=True, slots=True)
class Chat:
    """The request body: the fields that the gateway reads, and in `others` every other field unchanged."""

    model: str
    messages: tuple[Json, ...]
    streamed: bool
    wants_usage: bool
    others: Json


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated caller: project, the key's public id, and the project's policies."""

    project: str
    key_id: str
    policies: ProjectPolicies = NO_POLICIES


@dataclass(frozen=True, slots=True)
class Route:
    """What the request headers say about routing. For None the model's name and the policies decide.

    `key` is for the first target, `keys` by provider for any target of that provider. `upstream_headers`: further
    headers for the first target.
    """

    provider: str | None = None
    url: str | None = None
    key: Secret | None = None
    keys: Mapping[str, Secret] = field(default_factory=dict)
    upstream_headers: Mapping[str, Secret] = field(default_factory=dict)
    fallback: tuple[FallbackTarget, ...] | None = None
    ttft_timeout_ms: int | None = None
    hedge_after: HedgeAfter | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a call arrived: the time of day, and the monotonic moment in seconds.

    `queue_ms`: how long it had waited at API Gateway, None where unknown. `remaining_ms`: how long the platform lets
    the call run from then on, None where it sets no limit.
    """

    at: datetime
    moment: float
    queue_ms: float | None = None
    remaining_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """What a call is counted and listed under.

    `conversation`: the conversation id of the metadata, also where no metadata is stored. `is_zero_retention`: nothing
    of the content may be stored.
    """

    task_id: str = "default"
    environment: str = "default"
    metadata: Mapping[str, str] = field(default_factory=dict)
    conversation: str | None = None
    capture: Capture = Capture.FULL
    is_zero_retention: bool = False
    notes: tuple[str, ...] = ()

    def under_zero_retention(self) -> "Labels":
        """The labels, for a call under zero retention."""
        return replace(self, metadata={}, capture=Capture.NONE, is_zero_retention=True)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `secrets`: the keys in its headers, which must not be stored, logged or sent back."""

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
    """One place to send a call: the complete URL, the provider that bills it, its dialect and the key.

    `soft_timeout_ms`: if the target has sent no content by then (not streamed: no complete answer), the next target is
    asked in parallel. `blames_silence`: whether that counts as the target's failure; not when the caller's own timeout
    is shorter than the policy's. `key`: the caller's; None means the key stored for `provider` if `uses_stored_key`,
    else no key. `headers`: the caller's further headers for it.
    """

    provider: str
    url: str
    host: str
    model: str
    soft_timeout_ms: int
    key: Secret | None = None
    uses_stored_key: bool = False
    dialect: str = "generic"
    blames_silence: bool = True
    headers: Mapping[str, Secret] = field(default_factory=dict, hash=False, compare=False)
