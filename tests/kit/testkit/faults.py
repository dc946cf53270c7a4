"""What can go wrong with a target: what its twin does, and what must come of it. The rows of the fault matrix."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from switchboard.domain.usage import UsageSource
from testkit.openai_events import DONE, chunk, completion, error, finish, role, usage
from testkit.upstream_script import Answer, End, Framing, Step, json_answer

RETRY_AFTER_MS = 200
UNHEARD = "This must not be heard."
BEGUN = [role(), chunk("Let me")]
KEEP_ALIVE_S = 0.05


class Way(Enum):
    """How a call goes on from a target at fault."""

    NEXT = "at once"
    LATE = "when its patience is over"
    HEALED = "never: it is heard"
    SPOKEN = "never: its words are out"


class Stand(Enum):
    """What stands at the target's address."""

    TWIN = "a twin"
    NOBODY = "a port that nobody listens at"
    NO_TLS = "a server that breaks every handshake off"
    NO_NAME = "a host name that cannot be resolved"


class Stale(Enum):
    """What has become of a connection that was kept from an earlier call."""

    ENDED = "ended while it was idle"
    RESET = "reset when the request came"
    SWALLOWED = "gone without a word: nothing sent arrives"


@dataclass(frozen=True, slots=True)
class Course:
    """How a call fares at a target at fault.

    `outcome`, `status` (the upstream's) and `usage` (its source) are the attempt's; `said` is a pattern of what the
    caller is told of it. `code` and `caller_status`: what the caller gets where every attempt went so. `answer`: what
    the twin does; None: it answers well, with `garbage` in between, and ends as `end` says. `may_repeat`: whether the
    target is tried again.
    """

    way: Way
    outcome: str
    code: str = ""
    caller_status: int = 200
    status: int | None = 200
    said: str = ""
    usage: UsageSource = UsageSource.ESTIMATED
    answer: Answer | None = None
    garbage: bytes = b""
    end: End | None = None
    may_repeat: bool = True
    retry_after_ms: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the matrix. `whole` is the nearest thing that can go wrong with an answer that is not streamed."""

    name: str
    happens: str
    streamed: Course
    whole: Course
    stand: Stand = Stand.TWIN
    stale: Stale | None = None

    def course(self, *, streamed: bool) -> Course:
        """How such a call fares."""
        return self.streamed if streamed else self.whole


def _unreached(said: str) -> Course:
    return Course(
        Way.NEXT, "ConnectFailed", "connect_failed", 502, None, f"no connection to {said}", UsageSource.ABSENT
    )


def rejected(status: int, message: str, headers: Mapping[str, str] | None = None, *, may_repeat: bool = True) -> Course:
    """The target answers with an error status."""
    return Course(
        Way.NEXT,
        "UpstreamRejected",
        "upstream_rejected",
        caller_status=429 if status == 429 else 502,
        status=status,
        said=f"answered {status}: {message}",
        usage=UsageSource.ABSENT,
        answer=json_answer({"error": {"message": message}}, status, headers),
        may_repeat=may_repeat,
        retry_after_ms=RETRY_AFTER_MS if headers else None,
    )


def _silent(answer: Answer, status: int | None = 200) -> Course:
    said = r"no content within \d+ ms"
    return Course(Way.LATE, "FirstTokenLate", "first_token_late", 504, status, said, answer=answer, may_repeat=False)


def _unfinished(answer: Answer, status: int | None = 200) -> Course:
    said = r"no complete answer within \d+ ms"
    return Course(Way.LATE, "AnswerLate", "answer_late", 504, status, said, answer=answer, may_repeat=False)


def _reported(answer: Answer) -> Course:
    return Course(Way.NEXT, "UpstreamReported", "upstream_reported", 502, 200, "overloaded", UsageSource.ABSENT, answer)


def _empty(answer: Answer, source: UsageSource = UsageSource.ESTIMATED, note: str = "") -> Course:
    said = "the answer holds nothing to speak or act on"
    return Course(Way.NEXT, "EmptyCompletion", "empty_completion", 502, 200, said, source, answer, note=note)


def _of_another_kind(answer: Answer, said: str, source: UsageSource) -> Course:
    said = f"answered with {said} was asked"
    return Course(Way.NEXT, "EmptyCompletion", "empty_completion", 502, 200, said, source, answer, may_repeat=False)


def _cut(answer: Answer, way: Way = Way.NEXT) -> Course:
    said = r"the answer was cut off \(\w+\)"
    return Course(way, "UpstreamCut", "upstream_cut", 502, 200, said, UsageSource.ESTIMATED, answer)


GOOD = Course(Way.HEALED, "ok", usage=UsageSource.PROVIDER)
BOOM = rejected(500, "boom")
"""What the targets before the one at fault do, so that its turn comes."""


def spoken(who: str) -> list[bytes]:
    """A good streamed answer of that target, without what the caller has not asked for."""
    return [role(), chunk("It is open "), chunk(f"until six, says {who}."), finish(), DONE]


def good(who: str, *, streamed: bool, garbage: bytes = b"", end: End | None = None) -> Answer:
    """A good answer of that target, which tells 3 and 2 tokens of usage; an `end` comes in place of a stream's own."""
    if not streamed:
        return Answer([garbage + whole(who)], headers=_JSON, framing=Framing.LENGTH)
    preamble, *words, done = spoken(who)
    return Answer([preamble + garbage, *words, usage(3, 2), end or done])


def whole(who: str) -> bytes:
    """The body of a good answer that is not streamed."""
    [body] = json_answer(completion(f"It is open until six, says {who}.")).steps
    assert isinstance(body, bytes)
    return body


def _whole(*steps: Step) -> Answer:
    return Answer(steps, headers=_JSON)


def _again(step: bytes) -> Iterator[Step]:
    for _ in range(200):
        yield from (step, KEEP_ALIVE_S)


_JSON = {"content-type": "application/json"}
_HALF = whole(UNHEARD).partition(b"heard")[0]
_SKIPPED = "skipped an event that is no JSON object"
_UNENDED = "the provider did not end its answer"
_SLOW_DOWN = rejected(429, "slow down")
_LATER = rejected(429, "slow down", {"retry-after": str(RETRY_AFTER_MS / 1000)})
_BAD_KEY = rejected(401, "bad key", may_repeat=False)
_DOWN = rejected(503, "down for maintenance")
_NO_END = replace(
    rejected(500, r"boom \(cut off\)"), answer=Answer([b'{"error": {"message": "boom"}}', End.HANG], 500, _JSON)
)
_NO_WORD = Answer(before_headers=[End.HANG])

FAULTS = (
    Fault(
        "connection refused",
        "nobody listens at its address",
        _unreached(r"127\.0\.0\.1: [^;]+"),
        _unreached(r"127\.0\.0\.1: [^;]+"),
        Stand.NOBODY,
    ),
    Fault(
        "TLS failure",
        "the handshake fails: a wrong certificate, or none",
        _unreached(r"127\.0\.0\.1: the TLS handshake was broken off"),
        _unreached(r"127\.0\.0\.1: the TLS handshake was broken off"),
        Stand.NO_TLS,
    ),
    Fault(
        "DNS failure",
        "its host name cannot be resolved",
        _unreached(r"nowhere\.invalid: nowhere\.invalid cannot be resolved"),
        _unreached(r"nowhere\.invalid: nowhere\.invalid cannot be resolved"),
        Stand.NO_NAME,
    ),
    Fault("401", "it does not take the key", _BAD_KEY, _BAD_KEY),
    Fault("429 with retry-after", "it says when it has room again", _LATER, _LATER),
    Fault("429", "it has no room", _SLOW_DOWN, _SLOW_DOWN),
    Fault("500", "it fails", BOOM, BOOM),
    Fault("503", "it is down", _DOWN, _DOWN),
    Fault("500 without end", "it fails, and the body that says why never ends", _NO_END, _NO_END),
    Fault(
        "hang before headers",
        "the request is taken, and nothing comes back",
        _silent(_NO_WORD, None),
        _unfinished(_NO_WORD, None),
    ),
    Fault(
        "hang after headers",
        "status 200, and nothing after it",
        _silent(Answer([End.HANG])),
        _unfinished(_whole(End.HANG)),
    ),
    Fault(
        "keep-alives only",
        "comments (whole: blank lines) that keep the connection busy, and no answer",
        _silent(Answer(list(_again(b": keep-alive\n\n")))),
        _unfinished(_whole(*_again(b"\n"))),
    ),
    Fault(
        "role only, then silence",
        "the preamble of an answer (whole: the beginning of its JSON), and no word",
        _silent(Answer([role(), End.HANG])),
        _unfinished(_whole(_HALF, End.HANG)),
    ),
    Fault(
        "error with status 200",
        "the first thing that it says is an error",
        _reported(Answer([role(), error("overloaded")])),
        _reported(json_answer({"error": {"message": "overloaded"}})),
    ),
    Fault(
        "empty",
        "a complete answer without a word or a tool call",
        _empty(Answer([role(), finish(), usage(3, 0), DONE]), UsageSource.PROVIDER),
        _empty(json_answer(completion("")), UsageSource.PROVIDER),
    ),
    Fault(
        "reasoning only",
        "it thinks, and says nothing",
        _empty(Answer([role(), chunk(reasoning_content=UNHEARD), finish("length"), DONE])),
        _empty(json_answer(completion(None, reasoning_content=UNHEARD, finish_reason="length")), UsageSource.PROVIDER),
    ),
    Fault(
        "cut before content",
        "the connection ends before the first word",
        _cut(Answer([role(), End.CLOSE])),
        _cut(_whole(End.CLOSE)),
    ),
    Fault(
        "cut after content",
        "the connection ends within the answer",
        _cut(Answer([*BEGUN, End.CLOSE]), Way.SPOKEN),
        _cut(_whole(_HALF, End.CLOSE)),
    ),
    Fault(
        "hang after the end",
        "all is said, and the connection stays open without the end marker (whole: without the end of its body)",
        replace(GOOD, end=End.HANG, note=_UNENDED),
        _unfinished(_whole(whole(UNHEARD), End.HANG)),
    ),
    Fault(
        "reset after the end",
        "all is said, and the connection breaks before the end marker (whole: before the end of its body)",
        replace(GOOD, end=End.RESET, note=_UNENDED),
        _cut(_whole(whole(UNHEARD), End.RESET)),
    ),
    Fault(
        "garbage event",
        "one event is no JSON (whole: blank lines before the JSON), the rest is a good answer",
        replace(GOOD, garbage=b"data: {oops\n\n", note=_SKIPPED),
        replace(GOOD, garbage=b"\n\n\n"),
    ),
    Fault(
        "garbage only",
        "nothing that it says is JSON",
        _empty(Answer([b"data: {oops\n\n", b"data: <html>\n\n", DONE]), note=_SKIPPED),
        _empty(_whole(b"<html>oops</html>")),
    ),
    Fault(
        "answer of another kind",
        "one JSON document where a stream was asked (whole: the other way round)",
        _of_another_kind(json_answer(completion(UNHEARD)), "one JSON document where a stream", UsageSource.PROVIDER),
        _of_another_kind(
            Answer([chunk(UNHEARD), finish(), DONE]), "a stream where one JSON document", UsageSource.ESTIMATED
        ),
    ),
    Fault("stale connection: ended", "a kept connection was closed while it was idle", GOOD, GOOD, stale=Stale.ENDED),
    Fault("stale connection: reset", "a kept connection breaks under the request", GOOD, GOOD, stale=Stale.RESET),
    Fault(
        "stale connection: swallowed",
        "a kept connection takes the request and acknowledges nothing",
        GOOD,
        GOOD,
        stale=Stale.SWALLOWED,
    ),
)
