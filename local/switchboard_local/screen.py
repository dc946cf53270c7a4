"""What a person sees on the terminal: where everything is, then a line per call."""

import shlex
from contextlib import suppress
from datetime import datetime
from typing import TextIO, override

from gateway.recording.telemetry import Telemetry
from switchboard.domain.trace import Failure, Trace
from switchboard_local.data_dir import DataDir

WELCOME = """
  Switchboard is ready.

    gateway   {base}/v1
    console   {base}/console
    key       {key}
              (kept in {quoted_key_path})
    data      {data}
    log       {log}

  Hear it speak:

    curl -N {base}/v1/chat/completions \\
      -H "Authorization: Bearer $(cat {quoted_key_path})" -H "Content-Type: application/json" \\
      -d '{{"model": "demo/echo", "stream": true, "messages": [{{"role": "user", "content": "Hello there"}}]}}'

  Ctrl-C stops it. Calls, as they end:
"""
STATUS_WIDTH = 14


class Screen:
    """A terminal, or whatever stands in for one."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def welcome(self, port: int, key: str, data: DataDir) -> None:
        """Say where everything is."""
        base = f"http://127.0.0.1:{port}"
        place = data.path.resolve()
        quoted_key_path = shlex.quote(str(place / data.key.name))
        self.say(
            WELCOME.format(base=base, key=key, quoted_key_path=quoted_key_path, data=place, log=place / data.log.name)
        )

    def say(self, text: str) -> None:
        """Write it at once. A terminal that has gone, or knows no such letter, costs a line and not a call."""
        with suppress(OSError, ValueError):
            print(text, file=self._out, flush=True)


class ScreenedTelemetry(Telemetry):
    """The gateway's own telemetry, and a line per call for a person."""

    def __init__(self, inner: Telemetry, screen: Screen) -> None:
        self._inner = inner
        self._screen = screen

    @override
    def opened(self, trace: Trace) -> None:
        self._inner.opened(trace)

    @override
    def completed(self, trace: Trace, http_status: int) -> None:
        self._inner.completed(trace, http_status)
        self._screen.say(line_of(trace))

    @override
    def refused(self, failure: Failure, key_id: str | None, trace_id: str) -> None:
        self._inner.refused(failure, key_id, trace_id)
        now = datetime.now().astimezone()
        self._screen.say(
            _printable(f"  {now:%H:%M:%S}  {'refused':<{STATUS_WIDTH}}  {failure.code}: {failure.message}")
        )

    @override
    def unwritten(self, trace_id: str, what: str) -> None:
        self._inner.unwritten(trace_id, what)
        self._screen.say(f"  The store did not take the {what} of {trace_id}; the log has the reason.")

    @override
    def failed(self, trace_id: str) -> None:
        self._inner.failed(trace_id)
        self._screen.say(f"  The gateway itself failed at {trace_id}; the log has the reason.")


def line_of(trace: Trace) -> str:
    """One call in one line: when it began, how it ended, task, model, TTFT, duration, and what went wrong."""
    cells = [
        f"  {trace.started_at.astimezone():%H:%M:%S}",
        f"{trace.status.value:<{STATUS_WIDTH}}",
        trace.task_id,
        trace.model or "no model",
        *(
            f"{name} {ms:.0f} ms"
            for name, ms in (("TTFT", trace.ttft_ms), ("whole", trace.duration_ms))
            if ms is not None
        ),
    ]
    if trace.failure is not None:
        cells.append(f"{trace.failure.code}: {trace.failure.message}")
    return _printable("  ".join(cells))


def _printable(text: str) -> str:
    """The text without what could steer the terminal: callers choose some of these words."""
    return "".join(character if character.isprintable() else "?" for character in text)
