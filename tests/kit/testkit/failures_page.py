"""Writes `docs/failures.md` from the table of faults: `python -m testkit.failures_page > docs/failures.md`."""

import inspect
import sys
from collections.abc import Callable, Iterable

from gateway.api.error_answers import ABOUT_THE_KEY, FAILURES, PASSED_ON
from gateway.relay.exchange import ERROR_BODY_S
from gateway.relay.flow import FINISH_GRACE_MS, USAGE_GRACE_MS
from gateway.relay.schedule import LATEST_RETRY
from gateway.routing.plan import VOICE
from gateway.upstream.client import CONNECT_TIMEOUT_S, DEAD_WITHIN_S
from gateway.upstream.transport import UNACKNOWLEDGED_MS
from switchboard.domain.trace import Status
from testkit.fault_matrix import CELLS
from testkit.faults import FAULTS, Case, Effect, Fault

_PASSED_ON = ", ".join(str(status) for status in sorted(PASSED_ON))
_ABOUT_THE_KEY = ", ".join(str(status) for status in sorted(ABOUT_THE_KEY))

_HEAD = f"""\
# Failures

What can go wrong with a provider, what the caller gets, what the trace records, and how soon. This page is written
from the table of faults in `tests/kit/testkit/faults.py` by `python -m testkit.failures_page`; a test holds it current.
Each row runs against the whole gateway, streamed and whole, at every position of a plan of three targets, {len(CELLS)}
cells in all. Each cell checks the caller's bytes, the trace's attempts and statuses, the usage and the times.

## What the caller gets

- **Before the first content or tool call nothing is sent.** If a target fails, the next one is asked, and none of the
  failed target's bytes reach the caller: it gets the answer of the target that answered, with status 200.
- **If no target answers**, the caller gets one error of OpenAI's shape. Its message names every attempt in order:
  `No target answered. groq (api.groq.com, llama-3.3-70b-versatile): UpstreamRejected: answered 503: …; openai (…): …`.
  The last attempt decides status and code: 504 if it was late, else 502. If every attempt got the same status, the
  last `retry-after` is passed on, and the status too if it is about the request ({_PASSED_ON}): then
  `error.code`, `type` and `param` are the provider's. The gateway's own code is always in `x-inference-error`, in the
  trace and in the log.
  A status about the provider's key ({_ABOUT_THE_KEY}) would read as if the caller's own key were wrong: it
  becomes 424 where every attempt ended so. Neither that nor a used-up quota (`insufficient_quota`) is tried again at
  the same target, and `x-should-retry: false` tells clients not to. What a provider says (401, 403) of a key that the
  deployment stores is on the trace alone.
- **After the first content** no other target can take over, because two answers would be spliced. What was sent stays.
  Then one event follows, `data: {{"error": …}}`, and the stream ends without `[DONE]`. Its code is the attempt's, as
  below; a silence longer than `STALL_TIMEOUT_MS` is `answer_late`. Comments and empty chunks count as silence. After a
  complete answer, an error of the provider's is a note on the trace alone.

## How soon

The times are those of the stack's default policy; [policies.md](policies.md) describes how to set others.

- A target fails: the next one starts at once. The body of an error may take {ERROR_BODY_S} s; after that its status is
  reported without the body.
- A target is silent: after `ttft_timeout_ms`, {VOICE.ttft_timeout_ms} ms, the next one is asked in parallel, and the
  first to send content is passed on. Comments, a role or reasoning count as silence. A whole call's time is divided
  evenly among its targets.
- No target is left, but attempts are (`max_attempts`, {VOICE.max_attempts} in all): a target whose failure may be
  temporary is tried again. The attempt starts after its `retry-after`, else after a random pause of up to
  `RETRY_BACKOFF_MS`, doubled with each failure. If it could not start within {LATEST_RETRY:.0%} of the plan's time and
  within the policy's `plan_timeout_ms`, it is not made. These retries have a budget, `RETRY_BUDGET_PERCENT` of the
  calls, so that they do not multiply a provider's load.
- No target answers: the caller gets the error when the last attempt has failed, and after `plan_timeout_ms`,
  {VOICE.plan_timeout_ms} ms, at the latest.
- A connection is not established within {CONNECT_TIMEOUT_S:.0f} s (all addresses together): it has failed.
- A kept connection does not acknowledge the request: after {UNACKNOWLEDGED_MS / 1000} s the request is sent over a new
  one. A new connection has no such limit: its provider may read a long request slowly. A kept connection that breaks
  within {DEAD_WITHIN_S} s of the request was dead before it: the request is sent over a new one at once. One that
  breaks later has failed, because its provider may have worked on the request: a repetition is another attempt.
- An answer is finished, and its end marker does not follow: after {FINISH_GRACE_MS / 1000:.0f} s, or when the
  connection breaks, it ends well without it. If its usage has not come either, the limit is
  {USAGE_GRACE_MS / 1000:.0f} s.
"""

_TRACE = """\
## What the trace records

`status` of the call, and its `failure`, which is the error that the caller got. Each of its `attempts` has its target,
start and duration, the provider's HTTP status, its `outcome` and its usage.

| outcome | meaning | code for the caller | the call's status |
|---|---|---|---|
"""

_USED = """
`ok`: it answered. `outpaced`: another attempt sent content first. Any other outcome is the code of what ended the
call, as in [logs.md](logs.md).

An attempt's usage is the provider's own figures (`provider`). If it sent none and had received the prompt, it is an
estimate (`estimated`); if it was not reached or refused the request, nothing (`absent`). Attempts that were not passed
on keep their own usage and cost; the call's usage is that of the attempt that answered, else of the last one.
"""

_COLUMNS = (
    "fault",
    "what happens",
    "the attempt's outcome",
    "HTTP status",
    "the next target starts",
    "tried again",
    "if all targets do so, the caller gets",
    "usage",
)


def page() -> str:
    """The page's text."""
    return "\n".join([_HEAD, *_faults(), "", _TRACE + "\n".join(_outcomes()), _USED])


def _faults() -> Iterable[str]:
    yield "## What goes wrong"
    yield ""
    yield "If streamed and whole calls differ, both values are given, in this order."
    yield ""
    yield "| " + " | ".join(_COLUMNS) + " |"
    yield "|---" * len(_COLUMNS) + "|"
    yield from map(_row, FAULTS)


def _row(fault: Fault) -> str:
    cells = (
        fault.name,
        fault.happens,
        _both(fault, lambda case: f"`{case.outcome}`"),
        _both(fault, lambda case: str(case.status or "none")),
        _both(fault, lambda case: case.effect.value),
        _both(fault, _again),
        _both(fault, _alone),
        _both(fault, lambda case: case.usage.value),
    )
    return f"| {' | '.join(cells)} |"


def _both(fault: Fault, text: Callable[[Case], str]) -> str:
    """The text for both kinds of call; once if it is the same."""
    return " / ".join(dict.fromkeys((text(fault.streamed), text(fault.whole))))


def _again(case: Case) -> str:
    if case.effect is Effect.ANSWERS:
        return "not needed"
    if case.effect is Effect.BREAKS or not case.may_repeat:
        return "no"
    return "after `retry-after`" if case.retry_after_ms else "after a pause"


def _alone(case: Case) -> str:
    """What the caller gets if every target does the same."""
    if case.effect is Effect.ANSWERS:
        return "its answer"
    status = "200, then an error event" if case.effect is Effect.BREAKS else str(case.caller_status)
    return f"{status}, `{case.code}`"


def _outcomes() -> Iterable[str]:
    for kind, shown in FAILURES.items():
        status = (
            "upstream_error; truncated after the first content" if shown.status is Status.TRUNCATED else shown.status
        )
        meaning = (
            inspect.cleandoc(kind.__doc__ or "")
            .partition("\n")[0]
            .replace("`text` is its error.s text", "")
            .rstrip(" ;.")
        )
        yield f"| `{kind.kind}` | {meaning} | {shown.http_status}, `{shown.code}` | {status} |"


if __name__ == "__main__":
    sys.stdout.write(page())
