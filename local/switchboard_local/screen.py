"""Prints on the terminal: first the addresses and paths, then a line per call."""

import shlex
from contextlib import suppress
from datetime import datetime
from typing import TextIO, override

from gateway.recording.telemetry import BODIES, Telemetry
from switchboard.domain.trace import Failure, RequestIds, Trace
from switchboard_local.data_dir import DataDir

WELCOME = """
  Switchboard is ready.

    gateway   {base}/v1
    console   {base}/console
    key       {key}
              (kept in {quoted_key_path})
    data      {data}
    log       {log}

  Try it:

    curl -N {base}/v1/chat/completions \\
      -H "Authorization: Bearer $(cat {quoted_key_path})" -H "Content-Type: application/json" \\
      -d '{{"model": "demo/echo", "stream": true, "messages": [{{"role": "user", "content": "Hello there"}}]}}'

  Ctrl-C stops it. Finished calls:
"""
STATUS_WIDTH = 14


class Screen:
    """A terminal, or another text stream."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def welcome(self, port: int, key: str, data: DataDir) -> None:
        """Print the addresses and paths."""
        base = f"http://127.0.0.1:{port}"
        folder = data.path.resolve()
        quoted_key_path = shlex.quote(str(folder / data.key.name))
        self.show(
            WELCOME.format(base=base, key=key, quoted_key_path=quoted_key_path, data=folder, log=folder / data.log.name)
        )

    def show(self, text: str) -> None:
        """Print and flush. A closed terminal, or one that cannot encode the text, loses the line and fails no call."""
        with suppress(OSError, ValueError):
            print(text, file=self._out, flush=True)


class ScreenedTelemetry(Telemetry):
    """The gateway's telemetry, and a line on the terminal per call."""

    def __init__(self, inner: Telemetry, screen: Screen) -> None:
        self._inner = inner
        self._screen = screen
        self._names_unwritten = True

    def count_only(self) -> None:
        """Name no further trace that could not be stored: the system ends, and says how many there are."""
        self._names_unwritten = False

    @override
    def opened(self, trace: Trace) -> None:
        self._inner.opened(trace)

    @override
    def completed(self, trace: Trace, http_status: int) -> None:
        self._inner.completed(trace, http_status)
        self._screen.show(line_of(trace))

    @override
    def refused(self, failure: Failure, key_id: str | None, trace_id: str, ids: RequestIds) -> None:
        self._inner.refused(failure, key_id, trace_id, ids)
        now = datetime.now().astimezone()
        self._screen.show(
            _printable(f"  {now:%H:%M:%S}  {'refused':<{STATUS_WIDTH}}  {failure.code}: {failure.message}")
        )

    @override
    def unwritten(self, trace: Trace, what: str, reason: str) -> None:
        self._inner.unwritten(trace, what, reason)
        if not self._names_unwritten:
            return
        part = "bodies" if what == BODIES else "trace"
        self._screen.show(f"  The {part} of {trace.trace_id} could not be stored; the log has the reason.")

    @override
    def turn_untracked(self, trace_id: str, what: str, reason: str, ids: RequestIds) -> None:
        self._inner.turn_untracked(trace_id, what, reason, ids)

    @override
    def failed(self, trace_id: str, ids: RequestIds) -> None:
        self._inner.failed(trace_id, ids)
        self._screen.show(f"  The gateway failed in call {trace_id}; the log has the reason.")


def line_of(trace: Trace) -> str:
    """One call in one line: start, status, task, model, TTFT, duration and failure."""
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
    """The text with control characters replaced: callers choose parts of it, and could control the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
