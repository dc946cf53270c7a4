"""The shapes of policies in the API's JSON: what is answered, and what may be sent."""

from typing import NotRequired, TypedDict

from pydantic import with_config

from console.shape_config import DESCRIBED


class TargetJson(TypedDict):
    """A target with a deadline of its own."""

    target: str
    ttft_timeout_ms: NotRequired[int]


class BufferWordsJson(TypedDict):
    """Words that are sent if no content has come in time."""

    text: str
    after_ms: NotRequired[int]


@with_config(DESCRIBED)
class PolicyJson(TypedDict, total=False):
    """How calls are made; a field that is absent is taken from the next wider policy."""

    provider: str
    """Used if the call names no provider."""
    fallback: list[str | TargetJson]
    """The targets after the first, in order: `provider/model`."""
    max_attempts: int
    ttft_timeout_ms: int
    plan_timeout_ms: int
    hedge_after_ms: int | str
    """Milliseconds, a quantile like `p95`, or 0 for never."""
    buffer_words: BufferWordsJson
    zero_retention: bool
    allowed_targets: list[str]
    """The providers, targets and hosts that calls under zero retention may go to."""
    recognise_retries: bool


class StoredPolicyJson(TypedDict):
    """A policy as it is stored."""

    policy: PolicyJson


@with_config(DESCRIBED)
class ProjectPolicyJson(TypedDict):
    """The project's policy; `{}` sets nothing."""

    policy: PolicyJson | None
    """Null if the stored one cannot be read."""
    unreadable: NotRequired[bool]
    """True if the stored one cannot be read."""


@with_config(DESCRIBED)
class TaskPolicyJson(ProjectPolicyJson):
    """A task's policy."""

    effective: PolicyJson
    """The task's policy over the project's."""
