"""Writes `docs/failures.md` from the table of faults: `python -m testkit.failures_page > docs/failures.md`."""

import inspect
import sys
from collections.abc import Callable, Iterable

from gateway.api.error_answers import FAILURES, PASSED_ON
from gateway.relay.exchange import ERROR_BODY_S
from gateway.relay.flow import FINISH_GRACE_MS
from gateway.relay.schedule import LATEST_RETRY
from gateway.routing.plan import VOICE
from gateway.upstream.client import CONNECT_TIMEOUT_S, DEAD_WITHIN_S
from gateway.upstream.transport import UNACKNOWLEDGED_MS
from switchboard.domain.trace import Status
from testkit.fault_matrix import CELLS
from testkit.faults import FAULTS, Course, Fault, Way

_PASSED_ON = ", ".join(str(status) for status in sorted(PASSED_ON))

_HEAD = f"""\
# Failures

What can go wrong with a provider, what the caller hears then, what the trace says, and how soon. This page is written
from the table of faults in `tests/kit/testkit/faults.py` by `python -m testkit.failures_page`; a test holds it current.
Each row is played before the whole gateway, streamed and whole, at every place of a plan of three targets, {len(CELLS)}
cells in all: the caller's bytes, the trace's attempts, their statuses, usage and times are held in each.

## What the caller hears

- **Before the first word or tool call nothing is out.** A target that fails is followed by the next one, and no byte
  of it reaches the caller: what is heard is the answer of the target that spoke, with status 200.
- **When no target answers**, the caller gets one error of OpenAI's shape. Its message names every attempt in order:
  `No target answered. groq (api.groq.com, llama-3.3-70b-versatile): UpstreamRejected: answered 503: …; openai (…): …`.
  The last attempt decides status and code: 504 for lateness, else 502. Where every attempt got the same status, the
  last `retry-after` is passed on, and the status too if it is about the request ({_PASSED_ON}).
  What a provider says of its key never is: it would read as if the caller's own were wrong.
- **After the first word** no other target can take over: two answers would be spliced. What was said stays; then one
  event comes, `data: {{"error": …}}`, and the stream ends without `[DONE]`. Its code is the attempt's, as below; a
  silence longer than `STALL_TIMEOUT_MS` is `answer_late`. Comments and empty chunks break no silence.

## How soon

The times are those of the stack's own policy; [policies.md](policies.md) says how to set others.

- A target fails: the next one starts at once. The body of an error has {ERROR_BODY_S} s to come; its status is told
  without it.
- A target is silent: the next one starts beside it after `ttft_timeout_ms`, {VOICE.ttft_timeout_ms} ms, and whichever
  speaks first is heard. Comments, a role or reasoning break no silence. Of a whole answer's time each target has an
  even share.
- No target is left, but attempts are (`max_attempts`, {VOICE.max_attempts} in all): one that failed in a way that may
  pass is tried again. It starts when its `retry-after` says, else after a pause drawn by lot: up to `RETRY_BACKOFF_MS`,
  doubled with each failure. What could not start before {LATEST_RETRY:.0%} of the plan's time, or within
  the policy's `plan_timeout_ms`, is not waited for. Such
  repeats have a budget, `RETRY_BUDGET_PERCENT` of the calls: they must not multiply a provider's trouble.
- Nobody answers: the caller is told when the last attempt has failed, and after `plan_timeout_ms`,
  {VOICE.plan_timeout_ms} ms, at the latest.
- A connection is not there within {CONNECT_TIMEOUT_S:.0f} s, however many addresses its name has: it has failed.
- A kept connection swallows the request: after {UNACKNOWLEDGED_MS / 1000} s it goes out over a new one. One that breaks
  within {DEAD_WITHIN_S} s of the request was dead before it: the same at once. One that breaks later has failed: its
  provider may have worked on the request, and another one is another attempt.
- An answer is finished, and neither its end marker nor its usage follows: after {FINISH_GRACE_MS / 1000:.0f} s, or when
  the connection breaks, it ends well without them.
"""

_TRACE = """\
## What the trace says

`status` of the call, and its `failure`, which is the error that the caller got. Each of its `attempts` says at whom it
was, when it started and how long it took, the provider's HTTP status, its `outcome`, and what it used.

| outcome | meaning | code for the caller | the call's status |
|---|---|---|---|
"""

_USED = """
`ok`: it answered. `outpaced`: another attempt was the first to speak. Any other outcome is the code of what ended the
call, as in [logs.md](logs.md).

An attempt counts with the provider's own figures (`provider`). Where it told none and had the prompt, it counts with
an estimate (`estimated`); where it was not reached, or said no, with nothing (`absent`). Attempts that were not heard
keep their usage and cost to themselves; the call's own usage is that of the attempt that answered, else of the last.
"""

_COLUMNS = (
    "fault",
    "what happens",
    "the attempt's outcome",
    "HTTP status",
    "the next target starts",
    "tried again",
    "if all do so, the caller gets",
    "usage",
)


def page() -> str:
    """The page's text."""
    return "\n".join([_HEAD, *_faults(), "", _TRACE + "\n".join(_outcomes()), _USED])


def _faults() -> Iterable[str]:
    yield "## What goes wrong"
    yield ""
    yield "Where streamed and whole calls differ, both are named, in this order."
    yield ""
    yield "| " + " | ".join(_COLUMNS) + " |"
    yield "|---" * len(_COLUMNS) + "|"
    yield from map(_row, FAULTS)


def _row(fault: Fault) -> str:
    cells = (
        fault.name,
        fault.happens,
        _both(fault, lambda course: f"`{course.outcome}`"),
        _both(fault, lambda course: str(course.status or "none")),
        _both(fault, lambda course: course.way.value),
        _both(fault, _again),
        _both(fault, _alone),
        _both(fault, lambda course: course.usage.value),
    )
    return f"| {' | '.join(cells)} |"


def _both(fault: Fault, say: Callable[[Course], str]) -> str:
    """What is to be said of both kinds of call; once where it is the same."""
    return " / ".join(dict.fromkeys((say(fault.streamed), say(fault.whole))))


def _again(course: Course) -> str:
    if course.way is Way.HEALED:
        return "no need"
    if course.way is Way.SPOKEN or not course.may_repeat:
        return "no"
    return "when it says" if course.retry_after_ms else "after a pause"


def _alone(course: Course) -> str:
    """What the caller gets where every target does the same."""
    if course.way is Way.HEALED:
        return "its answer"
    status = "200, then an error event" if course.way is Way.SPOKEN else str(course.caller_status)
    return f"{status}, `{course.code}`"


def _outcomes() -> Iterable[str]:
    for kind, shown in FAILURES.items():
        status = "upstream_error; truncated after the first word" if shown.status is Status.TRUNCATED else shown.status
        meaning = (
            inspect.cleandoc(kind.__doc__ or "").partition("\n")[0].replace("`said` is what it said", "").rstrip(" ;.")
        )
        yield f"| `{kind.__name__}` | {meaning} | {shown.http_status}, `{shown.code}` | {status} |"


if __name__ == "__main__":
    sys.stdout.write(page())
