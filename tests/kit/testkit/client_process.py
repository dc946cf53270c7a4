"""A client's script as a process of its own: it prints one JSON line for each scenario."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

RUN_S = 90.0
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "JAVA_HOME")


@dataclass(frozen=True, slots=True)
class ClientRun:
    """What a client's script printed. `provider_left_after_s` counts from the moment at which the client left."""

    lines: Mapping[str, dict[str, Any]]
    provider_left_after_s: float | None
    errors: str

    def answer(self, scenario: str) -> dict[str, Any]:
        """What the client made of the scenario; the test fails where its script failed."""
        line = self.lines.get(scenario)
        assert line is not None, f"the script ended before {scenario}: {self.errors[-2000:]}"
        assert "failed" not in line, line["failed"]
        return line


def run_client(
    command: Sequence[str], environment: Mapping[str, str], provider_left: Callable[[], float | None]
) -> ClientRun:
    """Run the script to its end.

    Its last line is that of `cancel`. It must not end by itself then, since a process that ends closes its connections:
    its standard input is closed once `provider_left` has returned, which waits until the provider's connection is
    closed and gives that moment of `time.monotonic()`, or None if it stays open.
    """
    lines: dict[str, dict[str, Any]] = {}
    left_after_s = None
    with (
        TemporaryFile() as errors,
        subprocess.Popen(
            command, env=_environment(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        limit = threading.Timer(RUN_S, process.kill)
        limit.start()
        try:
            for line in process.stdout or ():
                answer = json.loads(line)
                lines[answer["scenario"]] = answer
                if answer["scenario"] == "cancel":
                    left_after_s = _left_after(answer, provider_left)
                    (process.stdin or errors).close()
        finally:
            limit.cancel()
            process.kill()
        errors.seek(0)
        return ClientRun(lines, left_after_s, errors.read().decode(errors="replace"))


def _left_after(answer: Mapping[str, Any], provider_left: Callable[[], float | None]) -> float | None:
    left_at, wall_clock_ahead_s = provider_left(), time.time() - time.monotonic()
    return None if left_at is None or "left_at" not in answer else left_at - (answer["left_at"] - wall_clock_ahead_s)


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """What a program needs, and no key that this process may have.

    Byte code is kept, whatever the machine's habit: most of a script's time goes into imports.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **own}
