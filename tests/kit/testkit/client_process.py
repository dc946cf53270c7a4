"""A client's script as a process of its own: it prints one JSON line for each scenario."""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

RUN_S = 150.0
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "JAVA_HOME")


type OnLine = Callable[[dict[str, Any], IO[bytes]], None]
"""What the test does when a line has come: it is given the line, and the script's standard input."""


@dataclass(frozen=True, slots=True)
class ClientRun:
    """What a client's script printed, by scenario, and what it said on standard error."""

    lines: Mapping[str, dict[str, Any]]
    errors: str

    def answer(self, scenario: str) -> dict[str, Any]:
        """What the client made of the scenario; the test fails where its script failed."""
        line = self.lines.get(scenario)
        assert line is not None, f"the script ended before {scenario}: {self.errors[-2000:]}"
        assert "failed" not in line, line["failed"]
        return line


def run_client(command: Sequence[str], environment: Mapping[str, str], on_line: OnLine) -> ClientRun:
    """Run the script to its end. It ends when its standard input is closed, which `on_line` has to do."""
    lines: dict[str, dict[str, Any]] = {}
    with (
        TemporaryFile() as errors,
        subprocess.Popen(
            command, env=_environment(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        assert process.stdin is not None
        limit = threading.Timer(RUN_S, process.kill)
        limit.start()
        try:
            for text in process.stdout or ():
                line = json.loads(text)
                lines[line["scenario"]] = line
                on_line(line, process.stdin)
        finally:
            limit.cancel()
            process.kill()
        errors.seek(0)
        return ClientRun(lines, errors.read().decode(errors="replace"))


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """What a program needs, and no key that this process may have.

    Byte code is kept, whatever the machine's habit: most of a script's time goes into imports.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **own}
