"""Runs the built system in containers with the SAM command line."""

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testkit.containers import CONTAINERS_SEE_US_AS, require_engine
from testkit.missing import missing

REPOSITORY = Path(__file__).resolve().parents[3]
EVENTS = REPOSITORY / "events"

EXAMPLE_KEY = "sb-local-example-key-that-opens-nothing-else"
"""The gateway key in `events/`. It is valid only in stores that a test puts it into."""

_BUILD_S = 300
_INVOKE_S = 120
_START_S = 60
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Invocation:
    """The output of `sam local invoke`: the function's result and its log."""

    result: bytes
    log: str

    @property
    def answer(self) -> dict[str, Any]:
        """The result as a proxy response (a function's error has no `statusCode`)."""
        answer: dict[str, Any] = json.loads(self.result)
        return answer

    @property
    def headers(self) -> dict[str, str]:
        """The answer's headers."""
        headers: dict[str, str] = self.answer["headers"]
        return headers

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The structured lines of the log."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [line for line in lines if isinstance(line, dict)]


@dataclass(frozen=True, slots=True)
class BuiltStack:
    """A built template. `variables` are environment variables by function, in place of the template's values."""

    template: Path
    parameters: Mapping[str, str]
    variables: Mapping[str, Mapping[str, str]]

    def invoke(self, function: str, event: str, **variables: str) -> Invocation:
        """Run the function once on `events/<event>.json`, with these environment variables besides."""
        command = [*self._command("invoke", function, variables), "--event", str(EVENTS / f"{event}.json")]
        done = _run(command, _INVOKE_S)
        return Invocation(done.stdout, done.stderr.decode())

    @contextmanager
    def api(self) -> Iterator[str]:
        """The address of the whole API, served until the block ends."""
        port = _free_port()
        command = [*self._command("start-api", None, {}), "--port", str(port)]
        log_path = self.template.with_name("start-api.log")
        with (
            log_path.open("wb") as log,
            subprocess.Popen(command, cwd=REPOSITORY, env=_environment(), stdout=log, stderr=log) as sam,
        ):
            try:
                _wait_until_it_listens(sam, port, log_path)
                yield f"http://127.0.0.1:{port}"
            finally:
                sam.send_signal(signal.SIGTERM)
                sam.wait(_START_S)

    def _command(self, verb: str, function: str | None, variables: Mapping[str, str]) -> list[str]:
        replaced = dict(self.variables)
        if function:
            replaced[function] = {**replaced.get(function, {}), **variables}
        path = self.template.with_name(f"{verb}.json")
        path.write_text(json.dumps(replaced))
        # The function's name comes before the parameters, which would swallow it.
        return [
            *_sam("local", verb),
            *([function] if function else []),
            *("--template", str(self.template), "--env-vars", str(path)),
            *("--add-host", f"{CONTAINERS_SEE_US_AS}:{os.environ.get('SAM_LOCAL_HOST_IP', 'host-gateway')}"),
            *_overrides(self.parameters),
        ]


def build(folder: Path, parameters: Mapping[str, str], variables: Mapping[str, Mapping[str, str]]) -> BuiltStack:
    """Build the template into the folder, for this machine's processor; without SAM or an engine the test skips."""
    if _sam_path() is None:
        missing("the SAM command line is missing: `make sam` installs it")
    require_engine()
    parameters = {"Architecture": _architecture(), **parameters}
    command = [*_sam("build"), "--build-dir", str(folder), *_overrides(parameters)]
    _run(command, _BUILD_S)
    return BuiltStack(folder / "template.yaml", parameters, variables)


def _run(command: list[str], timeout_s: float) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        command, check=False, cwd=REPOSITORY, env=_environment(), capture_output=True, timeout=timeout_s
    )
    assert done.returncode == 0, done.stderr.decode()
    return done


def _sam_path() -> str | None:
    own = REPOSITORY / ".tools/sam/bin/sam"
    return str(own) if own.exists() else shutil.which("sam")


def _sam(*verb: str) -> list[str]:
    # By default SAM reads the configuration beside the template, and the built template is in another folder.
    return [_sam_path() or "sam", *verb, "--config-file", str(REPOSITORY / "samconfig.toml")]


def _overrides(parameters: Mapping[str, str]) -> list[str]:
    return ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]


def _architecture() -> str:
    return "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"


def _environment() -> dict[str, str]:
    """This environment without AWS credentials: SAM would pass them into the containers, and look up their account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
    }


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_listens(sam: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        with suppress(subprocess.TimeoutExpired):
            sam.wait(_POLL_S)
        assert sam.poll() is None, log_path.read_text()
        assert time.monotonic() < deadline, log_path.read_text()
