"""The rows of the fault matrix: what can go wrong with a target, and what the caller and the trace must get then."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from switchboard.domain.usage import UsageSource
from testkit.openai_events import DONE, chunk, completion, error, finish, role, usage
from testkit.upstream_script import Answer, End, Framing, Step, json_answer

RETRY_AFTER_MS = 200
DISCARDED = "This must not reach the caller."
FIRST_EVENTS = [role(), chunk("Let me")]
KEEP_ALIVE_S = 0.05


class Effect(Enum):
    """What a fault does to the attempt; the value is when the next target starts."""

    FAILS = "at once"
    LATE = "after its deadline"
    ANSWERS = "never: it answers"
    BREAKS = "never: content was sent"


class Address(Enum):
    """What is at the target's address."""

    SERVER = "a scripted upstream"
    REFUSES = "a port without a listener"
    NO_TLS = "a server that closes every connection in the handshake"
    UNRESOLVABLE = "a host name that cannot be resolved"


class Stale(Enum):
    """What happened to a connection that was kept from an earlier call."""

    CLOSED = "closed while it was idle"
    RESET = "reset when the request arrived"
    DROPPED = "every packet sent on it is dropped"


@dataclass(frozen=True, slots=True)
class Case:
    """What a target at fault does, and what the caller and the trace must get.

    `outcome`, `status` (the upstream's) and `usage` (its source) are the attempt's; `message` is a pattern of the
    attempt's error text. `code` and `caller_status`: what the caller gets if every attempt fails so. `answer`: what the
    scripted upstream does; None: a good answer with `garbage` in it, ended by `end`. `may_repeat`: whether the target
    is tried again. `note`: a note that the trace must have.
    """

    effect: Effect
    outcome: str
    code: str = ""
    caller_status: int = 200
    status: int | None = 200
    message: str = ""
    usage: UsageSource = UsageSource.ESTIMATED
    answer: Answer | None = None
    garbage: bytes = b""
    end: End | None = None
    may_repeat: bool = True
    retry_after_ms: int | None = None
    note: str = ""

    @property
    def waits(self) -> bool:
        """Whether the call waits for one of the gateway's timers."""
        never_ends = self.answer is not None and End.HANG in self.answer.steps
        return self.effect is Effect.LATE or self.end is End.HANG or never_ends


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the matrix. `whole`: the nearest fault of an answer that is not streamed."""

    name: str
    happens: str
    streamed: Case
    whole: Case
    address: Address = Address.SERVER
    stale: Stale | None = None

    def case(self, *, streamed: bool) -> Case:
        """The case of a streamed or of a whole call."""
        return self.streamed if streamed else self.whole


def _unreached(reason: str) -> Case:
    return Case(
        Effect.FAILS, "ConnectFailed", "connect_failed", 502, None, f"no connection to {reason}", UsageSource.ABSENT
    )


def rejected(status: int, message: str, headers: Mapping[str, str] | None = None, *, may_repeat: bool = True) -> Case:
    """The target answers with an error status."""
    return Case(
        Effect.FAILS,
        "UpstreamRejected",
        "upstream_rejected",
        caller_status={401: 424, 429: 429}.get(status, 502),
        status=status,
        message=f"answered {status}: {message}",
        usage=UsageSource.ABSENT,
        answer=json_answer({"error": {"message": message}}, status, headers),
        may_repeat=may_repeat,
        retry_after_ms=RETRY_AFTER_MS if headers else None,
    )


def _late(outcome: str, code: str, message: str, answer: Answer, status: int | None) -> Case:
    return Case(Effect.LATE, outcome, code, 504, status, message, answer=answer, may_repeat=False)


def _silent(answer: Answer, status: int | None = 200) -> Case:
    return _late("FirstTokenLate", "first_token_late", r"no content within \d+ ms", answer, status)


def _unfinished(answer: Answer, status: int | None = 200) -> Case:
    return _late("AnswerLate", "answer_late", r"no complete answer within \d+ ms", answer, status)


def _reported(answer: Answer) -> Case:
    return Case(
        Effect.FAILS, "UpstreamReported", "upstream_reported", 502, 200, "overloaded", UsageSource.ABSENT, answer
    )


def _empty(answer: Answer, source: UsageSource = UsageSource.ESTIMATED, note: str = "") -> Case:
    message = "the answer holds nothing to speak or act on"
    return Case(Effect.FAILS, "EmptyCompletion", "empty_completion", 502, 200, message, source, answer, note=note)


def _of_another_kind(answer: Answer, kinds: str) -> Case:
    message = f"answered with {kinds} was asked"
    return Case(Effect.FAILS, "EmptyCompletion", "empty_completion", 502, 200, message, answer=answer, may_repeat=False)


def _cut(answer: Answer, effect: Effect = Effect.FAILS) -> Case:
    message = r"the answer was cut off \(\w+\)"
    return Case(effect, "UpstreamCut", "upstream_cut", 502, 200, message, UsageSource.ESTIMATED, answer)


GOOD = Case(Effect.ANSWERS, "ok", usage=UsageSource.PROVIDER)
BOOM = rejected(500, "boom")
"""What the targets before the one at fault do, so that the plan reaches it."""


def answer_events(name: str) -> list[bytes]:
    """The events of that target's good streamed answer as a caller gets them that did not ask for usage."""
    return [role(), chunk("It is open "), chunk(f"until six, says {name}."), finish(), DONE]


def good(name: str, *, streamed: bool, garbage: bytes = b"", end: End | None = None) -> Answer:
    """A good answer of that target, with 3 and 2 tokens of usage. `end` replaces a stream's end marker."""
    if not streamed:
        return Answer([garbage + answer_body(name)], headers=_JSON, framing=Framing.LENGTH)
    preamble, *words, done = answer_events(name)
    return Answer([preamble + garbage, *words, usage(3, 2), end or done])


def answer_body(name: str) -> bytes:
    """The body of that target's good answer to a call that is not streamed."""
    [body] = json_answer(completion(f"It is open until six, says {name}.")).steps
    assert isinstance(body, bytes)
    return body


def _whole(*steps: Step) -> Answer:
    return Answer(steps, headers=_JSON)


def _again(step: bytes) -> Iterator[Step]:
    for _ in range(200):
        yield from (step, KEEP_ALIVE_S)


_JSON = {"content-type": "application/json"}
_HALF = answer_body(DISCARDED).partition(b"reach")[0]
_SKIPPED = "skipped an event that is no JSON object"
_UNENDED = "the provider did not end its answer"
_SLOW_DOWN = rejected(429, "slow down")
_LATER = rejected(429, "slow down", {"retry-after": str(RETRY_AFTER_MS / 1000)})
_BAD_KEY = rejected(401, "bad key", may_repeat=False)
_PAGE = replace(
    rejected(200, r"a web page \('Sign in'\): the provider URL is wrong", may_repeat=False),
    answer=Answer([b"<html><title>Sign in</title></html>"], headers={"content-type": "text/html"}),
)
_REDIRECT = replace(
    rejected(
        307, r"a redirect to https://a\.test/v1, which is not followed: the provider URL is wrong", may_repeat=False
    ),
    answer=Answer([], 307, {"location": "https://a.test/v1"}),
)
_DOWN = rejected(503, "down for maintenance")
_NO_END = replace(
    rejected(500, r"boom \(cut off\)"), answer=Answer([b'{"error": {"message": "boom"}}', End.HANG], 500, _JSON)
)
_NO_RESPONSE = Answer(before_headers=[End.HANG])

FAULTS = (
    Fault(
        "connection refused",
        "no listener at its address",
        _unreached(r"127\.0\.0\.1: [^;]+"),
        _unreached(r"127\.0\.0\.1: [^;]+"),
        Address.REFUSES,
    ),
    Fault(
        "TLS failure",
        "the handshake fails: a wrong certificate, or none",
        _unreached(r"127\.0\.0\.1: the TLS handshake was broken off"),
        _unreached(r"127\.0\.0\.1: the TLS handshake was broken off"),
        Address.NO_TLS,
    ),
    Fault(
        "DNS failure",
        "its host name cannot be resolved",
        _unreached(r"nowhere\.invalid: nowhere\.invalid cannot be resolved"),
        _unreached(r"nowhere\.invalid: nowhere\.invalid cannot be resolved"),
        Address.UNRESOLVABLE,
    ),
    Fault("401", "the key is not accepted", _BAD_KEY, _BAD_KEY),
    Fault("429 with retry-after", "over its rate limit; it names the time to wait", _LATER, _LATER),
    Fault("429", "over its rate limit", _SLOW_DOWN, _SLOW_DOWN),
    Fault("500", "an internal error", BOOM, BOOM),
    Fault("503", "unavailable", _DOWN, _DOWN),
    Fault("500 without end", "an internal error whose body never ends", _NO_END, _NO_END),
    Fault(
        "hang before headers",
        "the request is accepted, and no response follows",
        _silent(_NO_RESPONSE, None),
        _unfinished(_NO_RESPONSE, None),
    ),
    Fault(
        "hang after headers",
        "status 200, and no body",
        _silent(Answer([End.HANG])),
        _unfinished(_whole(End.HANG)),
    ),
    Fault(
        "keep-alives only",
        "comments (whole: blank lines), and no answer",
        _silent(Answer(list(_again(b": keep-alive\n\n")))),
        _unfinished(_whole(*_again(b"\n"))),
    ),
    Fault(
        "role only, then nothing",
        "the first chunk with the role (whole: the beginning of the JSON), and no content",
        _silent(Answer([role(), End.HANG])),
        _unfinished(_whole(_HALF, End.HANG)),
    ),
    Fault(
        "error with status 200",
        "status 200, then an error event (whole: an error body)",
        _reported(Answer([role(), error("overloaded")])),
        _reported(json_answer({"error": {"message": "overloaded"}})),
    ),
    Fault(
        "empty",
        "a complete answer without content or a tool call",
        _empty(Answer([role(), finish(), usage(3, 0), DONE]), UsageSource.PROVIDER),
        _empty(json_answer(completion("")), UsageSource.PROVIDER),
    ),
    Fault(
        "reasoning only",
        "reasoning, and no content",
        _empty(Answer([role(), chunk(reasoning_content=DISCARDED), finish(), DONE])),
        _empty(json_answer(completion(None, reasoning_content=DISCARDED)), UsageSource.PROVIDER),
    ),
    Fault(
        "cut before content",
        "the connection closes before the first content",
        _cut(Answer([role(), End.CLOSE])),
        _cut(_whole(End.CLOSE)),
    ),
    Fault(
        "cut after content",
        "the connection closes within the answer",
        _cut(Answer([*FIRST_EVENTS, End.CLOSE]), Effect.BREAKS),
        _cut(_whole(_HALF, End.CLOSE)),
    ),
    Fault(
        "hang after the end",
        "all content is sent, and the connection stays open without an end marker (whole: without the body's end)",
        replace(GOOD, end=End.HANG, note=_UNENDED),
        _unfinished(_whole(answer_body(DISCARDED), End.HANG)),
    ),
    Fault(
        "reset after the end",
        "all content is sent, and the connection is reset before the end marker (whole: before the body's end)",
        replace(GOOD, end=End.RESET, note=_UNENDED),
        _cut(_whole(answer_body(DISCARDED), End.RESET)),
    ),
    Fault(
        "garbage event",
        "one event is not JSON (whole: blank lines before the JSON), the rest is a good answer",
        replace(GOOD, garbage=b"data: {oops\n\n", note=_SKIPPED),
        replace(GOOD, garbage=b"\n\n\n"),
    ),
    Fault(
        "garbage only",
        "no part of the answer is JSON",
        _empty(Answer([b"data: {oops\n\n", b"data: <html>\n\n", DONE]), note=_SKIPPED),
        _empty(_whole(b"oops")),
    ),
    Fault("web page", "status 200, and a web page: its URL is wrong", _PAGE, _PAGE),
    Fault("redirect", "it names another address: its URL is wrong", _REDIRECT, _REDIRECT),
    Fault(
        "answer of another kind",
        "a JSON document that is no completion where a stream was asked (whole: a stream without content)",
        _of_another_kind(json_answer({"said": DISCARDED}), "one JSON document where a stream"),
        _of_another_kind(
            Answer([role(), chunk(reasoning_content=DISCARDED), DONE]), "a stream where one JSON document"
        ),
    ),
    Fault("stale connection: closed", "a kept connection was closed while it was idle", GOOD, GOOD, stale=Stale.CLOSED),
    Fault("stale connection: reset", "a kept connection is reset by the request", GOOD, GOOD, stale=Stale.RESET),
    Fault(
        "stale connection: dropped",
        "every packet sent on a kept connection is dropped",
        GOOD,
        GOOD,
        stale=Stale.DROPPED,
    ),
)
