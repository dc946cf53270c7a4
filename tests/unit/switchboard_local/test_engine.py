"""The engine lives as long as its starter, and keeps what it was given."""

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
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs tests in the background has it ignored
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
    """A port that was free a moment ago."""
    skip_without_engine()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@contextmanager
def parent_process(data_dir: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the engine until its input ends; answers once it is up."""
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


def test_ends_with_its_block_and_keeps_its_data(tmp_path: Path, port: int) -> None:
    with running_engine(tmp_path, port=port) as endpoint:
        keep_a_key(endpoint)
    wait_until_closed(port)
    with running_engine(tmp_path, port=port) as endpoint:
        assert has_the_key(endpoint)


def test_ends_with_its_block_when_that_fails(tmp_path: Path, port: int) -> None:
    with pytest.raises(ZeroDivisionError), running_engine(tmp_path, port=port):
        raise ZeroDivisionError
    wait_until_closed(port)


def test_dies_with_a_killed_parent_and_starts_again_at_once(tmp_path: Path, port: int) -> None:
    with parent_process(tmp_path, port) as parent:
        keep_a_key(f"http://127.0.0.1:{port}")
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    wait_until_closed(port)
    with running_engine(tmp_path, port=port) as endpoint:
        assert has_the_key(endpoint)


def test_control_c_leaves_the_engine_to_its_parent(tmp_path: Path, port: int) -> None:
    """What the parent has under way when the signal comes can still be written."""
    with parent_process(tmp_path, port) as parent:
        os.killpg(parent.pid, signal.SIGINT)
        answer, _ = parent.communicate()
    assert answer == "interrupted, and it still answers\n"
    wait_until_closed(port)


def test_a_port_that_is_taken_is_said_at_once(tmp_path: Path, port: int) -> None:
    with (
        running_engine(tmp_path / "one", port=port),
        pytest.raises(EngineFailed, match=rf"cannot listen on 127\.0\.0\.1:{port}"),
        running_engine(tmp_path / "two", port=port),
    ):
        pass


def test_an_engine_that_cannot_start_gives_its_reason(tmp_path: Path, port: int) -> None:
    (tmp_path / "dynamodb.sqlite").write_bytes(b"no database" * 1000)
    with (
        pytest.raises(EngineFailed, match=r"ended at its start: .*not a valid SQLite database"),
        running_engine(tmp_path, port=port),
    ):
        pass


def test_listens_for_containers_when_told_to(tmp_path: Path, port: int) -> None:
    with running_engine(tmp_path, host="0.0.0.0", port=port) as endpoint:
        assert endpoint == f"http://127.0.0.1:{port}"
        keep_a_key(endpoint)


def test_elsewhere_docker_runs_amazons_engine_on_the_same_folder(
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


def test_without_any_engine_one_sentence_names_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "dynoxide_path", lambda: tmp_path / "missing")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing, match=r"install Docker.* DYNAMODB_ENDPOINT .*docker run -p 8001:8000"):
        engine_command(tmp_path, "127.0.0.1", 8001)
