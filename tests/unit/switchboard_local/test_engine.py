"""The engine ends with the process that started it, and keeps its data."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from switchboard.store.dynamodb import connect
from switchboard.store.dynamodb_table import Table
from switchboard.store.key_items import to_item
from switchboard.store.keyspace import gateway_key
from switchboard_local import engine
from switchboard_local.engine import EngineFailed, EngineMissing, engine_command, running_engine
from switchboard_local.table import create_table
from testkit.dynamodb import skip_without_engine
from testkit.samples import a_key

TABLE = "switchboard-engine"
PARENT = """
import signal, sys
from pathlib import Path
from urllib.request import urlopen
from switchboard_local.engine import running_engine
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
with running_engine(Path(sys.argv[1]), port=int(sys.argv[2])) as endpoint:
    try:
        print(endpoint, flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        urlopen(endpoint).close()
        print("interrupted, and it still answers")
"""


@pytest.fixture
def port() -> int:
    """A free port."""
    skip_without_engine()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@contextmanager
def parent_process(data_dir: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the engine until its input ends, ready."""
    command = [sys.executable, "-c", PARENT, str(data_dir), str(port)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        try:
            assert parent.stdout is not None
            assert parent.stdout.readline().strip() == f"http://127.0.0.1:{port}"
            yield parent
        finally:
            parent.kill()


def wait_until_closed(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
    raise AssertionError("the engine still listens")


def keep_a_key(endpoint: str) -> None:
    client = connect(endpoint=endpoint)
    create_table(client, TABLE)
    Table(client, TABLE).put(to_item(a_key()))
    client.close()


def has_the_key(endpoint: str) -> bool:
    client = connect(endpoint=endpoint)
    found = Table(client, TABLE).get(gateway_key(a_key().digest))
    client.close()
    return found is not None


def test_the_engine_ends_with_its_block_and_keeps_its_data(tmp_path: Path, port: int) -> None:
    with running_engine(tmp_path, port=port) as endpoint:
        keep_a_key(endpoint)
    wait_until_closed(port)
    with running_engine(tmp_path, port=port) as endpoint:
        assert has_the_key(endpoint)


def test_the_engine_ends_with_its_block_if_that_raises(tmp_path: Path, port: int) -> None:
    with pytest.raises(ZeroDivisionError), running_engine(tmp_path, port=port):
        raise ZeroDivisionError
    wait_until_closed(port)


def test_the_engine_ends_with_a_killed_parent_and_can_start_again_at_once(tmp_path: Path, port: int) -> None:
    with parent_process(tmp_path, port) as parent:
        keep_a_key(f"http://127.0.0.1:{port}")
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    wait_until_closed(port)
    with running_engine(tmp_path, port=port) as endpoint:
        assert has_the_key(endpoint)


def test_control_c_does_not_reach_the_engine(tmp_path: Path, port: int) -> None:
    """The parent can still write what is in progress when the signal arrives."""
    with parent_process(tmp_path, port) as parent:
        os.killpg(parent.pid, signal.SIGINT)
        answer, _ = parent.communicate()
    assert answer == "interrupted, and it still answers\n"
    wait_until_closed(port)


def test_a_port_in_use_fails_at_once(tmp_path: Path, port: int) -> None:
    with (
        running_engine(tmp_path / "one", port=port),
        pytest.raises(EngineFailed, match=rf"cannot listen on 127\.0\.0\.1:{port}"),
        running_engine(tmp_path / "two", port=port),
    ):
        pass


def test_an_engine_that_cannot_start_reports_the_reason(tmp_path: Path, port: int) -> None:
    (tmp_path / "dynamodb.sqlite").write_bytes(b"no database" * 1000)
    with (
        pytest.raises(EngineFailed, match=r"ended at its start: .*not a valid SQLite database"),
        running_engine(tmp_path, port=port),
    ):
        pass


def test_the_engine_listens_on_the_given_host(tmp_path: Path, port: int) -> None:
    with running_engine(tmp_path, host="0.0.0.0", port=port) as endpoint:
        assert endpoint == f"http://127.0.0.1:{port}"
        keep_a_key(endpoint)


def test_without_dynoxide_docker_runs_dynamodb_local_on_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "dynoxide_path", lambda: tmp_path / "missing")
    docker = tmp_path / "docker"
    docker.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    command, _ = engine_command(tmp_path, "127.0.0.1", 8001)
    assert command[0] == str(docker)
    assert "127.0.0.1:8001:8000" in command
    assert f"{tmp_path}:/data" in command
    assert command[-4:] == ["DynamoDBLocal.jar", "-sharedDb", "-dbPath", "/data"]


def test_without_an_engine_the_error_names_the_alternatives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "dynoxide_path", lambda: tmp_path / "missing")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing, match=r"install Docker.* DYNAMODB_ENDPOINT .*docker run -p 8001:8000"):
        engine_command(tmp_path, "127.0.0.1", 8001)
