"""The shape of a trace in the API's JSON. The field names are a public contract."""

from typing import TypedDict

from pydantic import with_config

from console.cost_shapes import CorrectionJson, PriceJson
from console.shape_config import DESCRIBED
from switchboard.domain.trace import Status
from switchboard.domain.usage import UsageSource


@with_config(DESCRIBED)
class UsageJson(TypedDict):
    """Tokens in disjoint classes, except that `reasoning` is part of `output`; null where they are not known."""

    fresh_input: int | None
    cache_read: int | None
    cache_write_5m: int | None
    cache_write_1h: int | None
    output: int | None
    reasoning: int | None
    audio_input: int | None
    """Where the provider counts audio and images apart from text."""
    audio_cache_read: int | None
    audio_output: int | None
    image_input: int | None
    image_cache_read: int | None
    image_output: int | None
    searches: int | None
    """Web searches that the provider made."""
    source: UsageSource
    """Where the counts come from; `absent`: every count is null."""
    billed_usd: str | None
    """The charge that the provider itself reports; it is then the cost."""
    service_tier: str | None
    """As the answer tells it."""
    region: str | None
    """As the answer or its host tells it."""
    speed: str | None
    """As the answer tells it."""
    answer_model: str | None
    """The model that the answer names, where it is another than the one that was called."""


@with_config(DESCRIBED)
class AttemptJson(TypedDict):
    """One request to a provider."""

    provider: str
    host: str
    model: str
    outcome: str
    """`ok`, a failure, `outpaced`, `redirected`, or the code of what ended the call."""
    status: int | None
    """The provider's HTTP status; null if none was received."""
    error: str | None
    is_hedge: bool
    """Whether it was started in parallel to a silent one."""
    started_ms: float
    """From the call's arrival."""
    ttft_ms: float | None
    """From the attempt's own start."""
    duration_ms: float
    """From the attempt's own start."""
    usage: UsageJson | None
    """Of an attempt whose answer was not used; the tokens of the one that answered are the call's own."""
    cost_usd: str | None
    """Of an attempt whose answer was not used; the call's cost includes it."""
    price: PriceJson | None


@with_config(DESCRIBED)
class TurnJson(TypedDict):
    """The turn of the conversation that a call was for."""

    turn_id: str
    """The same for all calls of a turn."""
    retry: int
    """Counts the calls of a turn from 0."""
    thread_id: str | None
    """The same for all turns whose conversation and first message are the same."""


@with_config(DESCRIBED)
class FailureJson(TypedDict):
    """Why a call failed or was stopped: the error that its caller received."""

    code: str
    message: str
    http_status: int


# `lambda` is a keyword of Python, so that this shape cannot be written as a class.
RequestIdsJson = TypedDict("RequestIdsJson", {"provider": str | None, "lambda": str | None, "api_gateway": str | None})
"""What others call the same request; null where none was told."""


@with_config(DESCRIBED)
class TraceEntryJson(TypedDict):
    """A call without its bodies. Money is US dollars as exact decimal text; times are UTC; `_ms` are milliseconds."""

    trace_id: str
    task_id: str
    environment: str
    metadata: dict[str, str]
    provider: str | None
    """Which provider answered."""
    model: str | None
    status: Status
    streamed: bool
    started_at: str
    """When the call arrived."""
    ttft_ms: float | None
    """From the arrival to the first content or tool delta; null if not streamed, or never reached."""
    first_sentence_ms: float | None
    """From the arrival to the end of the answer's first sentence; null if not streamed, or never reached."""
    longest_stall_ms: float | None
    """The longest wait between two parts of the answer; null if it had fewer than two."""
    duration_ms: float | None
    """The whole call."""
    gateway_ms: float | None
    """The gateway's own time before the provider was called."""
    queue_ms: float | None
    """From API Gateway's receipt to the function."""
    usage: UsageJson
    cost_usd: str | None
    """The cost of the call with all its attempts; null until it is settled, and if its price is unknown."""
    unpriced: bool | None
    """Whether the price is unknown; null until the call is settled."""
    partly_priced: bool | None
    """Whether the price of some token classes is unknown: they are not in the cost."""
    unpriced_classes: list[str] | None
    """The token classes whose price is unknown."""
    price: PriceJson | None
    settled_at: str | None
    revision: int | None
    """How often it was settled anew."""
    corrections: list[CorrectionJson] | None
    """Its earlier costs, oldest first."""
    finish_reason: str | None
    attempts: list[AttemptJson]
    turn: TurnJson | None
    buffered_ms: float | None
    """From the arrival to the buffer words; null if none were sent."""
    zero_retention: bool
    """Whether none of its content may be kept."""
    prompt_version: str | None
    """A hash of the system prompt in which metadata values, dates and numbers do not count."""
    prompt_characters: int | None
    """The system prompt's length."""
    excerpt: str | None
    """How the user's last message begins; null where bodies are not kept."""
    request_ids: RequestIdsJson
    redacted: dict[str, int]
    """What was taken out of bodies and errors before they were stored: by kind, at how many places."""
    notes: list[str]
    """What was changed in request and answer."""
    error: FailureJson | None
    project: str
    key_id: str


@with_config(DESCRIBED)
class TraceJson(TraceEntryJson):
    """A call with its bodies."""

    request: object
    """The JSON that was sent, as text if it was none; null where it was not stored."""
    response: object
    """The answer, a streamed one as one completion; null where it was not stored."""


@with_config(DESCRIBED)
class TracePageJson(TypedDict):
    """Calls, in the order that was asked for. A page of a search may have few or none, and not be the last."""

    traces: list[TraceEntryJson]
    next_cursor: str | None
    """The `cursor` of the next page; null at the end."""
    searched_since: str | None
    """Every call that began at this time or later was looked at; null: every call of the range."""
