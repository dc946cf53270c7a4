"""Runs the local system in its own process, as `make run` does."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from testkit.dynamodb import skip_without_engine

START_S = 15.0
CALL_S = 10.0
END_S = 15.0
READY = "Finished calls:"
_CONFIGURING = ("TABLE_NAME", "DYNAMODB_ENDPOINT", "PRIVATE_PROVIDER_HOSTS", "PROVIDER_BASE_URLS", "KEYLESS_PROVIDERS")


def environment(own: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without the variables that configure a run, plus the test's own."""
    kept = {name: value for name, value in os.environ.items() if name not in _CONFIGURING}
    return {**kept, "PYTHONUNBUFFERED": "1", **(own or {})}


def command(data_dir: Path, port: int | str = 0) -> list[str]:
    """What `make run` executes."""
    return [sys.executable, "-m", "switchboard_local", "--port", str(port), "--data-dir", str(data_dir)]


def refusal(data_dir: Path, port: int | str = 0, own: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Exit code and output of a start that must fail."""
    ended = subprocess.run(
        command(data_dir, port), env=environment(own), capture_output=True, text=True, timeout=START_S, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


@dataclass(slots=True)
class Terminal:
    """The lines that the process prints."""

    lines: list[str] = field(default_factory=list)
    _has_ended: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def read(self, stream: Iterable[str]) -> None:
        """Read every line until the stream ends."""
        for line in stream:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def line_with(self, words: str, timeout_s: float = CALL_S) -> str:
        """The first line with these words, as soon as it is printed."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended or self._find(words) is not None, timeout_s)
            line = self._find(words)
        assert line is not None, f"no line with {words!r} in: {self.text}"
        return line

    def _find(self, words: str) -> str | None:
        return next((line for line in self.lines if words in line), None)

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class LocalSystem:
    """A running local system."""

    process: "subprocess.Popen[str]"
    terminal: Terminal
    data_dir: Path
    started_in_s: float

    @property
    def address(self) -> str:
        """`http://127.0.0.1:port`, as printed."""
        return self.terminal.line_with("gateway   ").split()[-1].removesuffix("/v1")

    @property
    def base_url(self) -> str:
        """The base URL for an OpenAI client."""
        return f"{self.address}/v1"

    @property
    def key(self) -> str:
        """The gateway key, as printed."""
        return self.terminal.line_with("key   ").split()[-1]

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a caller with the key."""
        return {"authorization": f"Bearer {self.key}"}

    def traces(self, **query: str) -> list[dict[str, Any]]:
        """A page of traces from the console's API."""
        # Polled often, and reading the certificates each time would take longer than the answer.
        answer = httpx.get(
            f"{self.address}/api/traces", params=query, headers=self.headers, trust_env=False, verify=False
        )
        answer.raise_for_status()
        traces: list[dict[str, Any]] = answer.json()["traces"]
        return traces

    def recorded(self, task_id: str) -> dict[str, Any]:
        """The trace of the task's only call, once it is finished and settled."""
        self.terminal.line_with(task_id)
        deadline = time.monotonic() + CALL_S
        while True:
            (trace,) = self.traces(task_id=task_id)
            if trace["settled_at"] is not None:
                return trace
            assert time.monotonic() < deadline, f"{task_id} is not settled"
            time.sleep(0.01)

    def health(self) -> tuple[int, dict[str, Any]]:
        """What `/health?deep` answers."""
        answer = httpx.get(f"{self.address}/health?deep", trust_env=False, verify=False)
        return answer.status_code, answer.json()

    def pid_of(self, words: str) -> int:
        """The id of the one process that has these words and the data folder in its command line."""
        found = [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if words in (line := _command_line(path)) and str(self.data_dir) in line and not line.startswith("/bin/sh")
        ]
        assert len(found) == 1, found
        return found[0]

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> float:
        """Ctrl-C, or another signal. Returns the seconds it took to end; the exit code is then on `process`."""
        began_at = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(END_S)
        return time.monotonic() - began_at

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait(END_S)


def _command_line(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""  # it has ended


@contextmanager
def local_system(
    data_dir: Path, own: Mapping[str, str] | None = None, *, needs_engine: bool = True
) -> Iterator[LocalSystem]:
    """A local system on a free port, ready while the block runs. Skips the test if this machine has no engine."""
    if needs_engine:
        skip_without_engine()
    began_at = time.monotonic()
    with subprocess.Popen(
        command(data_dir),
        env=environment(own),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        terminal = Terminal()
        reader = threading.Thread(target=terminal.read, args=(process.stdout or (),), daemon=True)
        reader.start()
        try:
            terminal.line_with(READY, START_S)
            yield LocalSystem(process, terminal, data_dir, time.monotonic() - began_at)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(END_S)
            reader.join(END_S)
