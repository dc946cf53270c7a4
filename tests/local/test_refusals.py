"""A start that fails prints one sentence, without a traceback."""

import socket
from pathlib import Path

import pytest

from testkit.dynamodb import skip_without_engine
from testkit.local_system import local_system, refusal

pytestmark = pytest.mark.thorough


def assert_one_sentence(output: str, *words: str) -> None:
    assert "Traceback" not in output
    assert len(output.strip().splitlines()) == 1, output
    for word in words:
        assert word in output


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, output = refusal(tmp_path, port)
    assert code == 1
    assert_one_sentence(output, str(port), "in use", "make run PORT=")


@pytest.mark.parametrize("port", ["eighty", "70000"])
def test_an_invalid_port(port: str, tmp_path: Path) -> None:
    code, output = refusal(tmp_path, port)
    assert code == 2
    assert_one_sentence(output, "PORT must be a number from 1 to 65535")


def test_a_data_folder_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, output = refusal(tmp_path / "file" / "data")
    assert code == 1
    assert_one_sentence(output, "cannot be written", str(tmp_path / "file" / "data"))


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    code, output = refusal(tmp_path / "data")
    assert code == 1
    assert_one_sentence(output, str(tmp_path / "data"), "is a file", "DATA_DIR")


@pytest.mark.load
@pytest.mark.parametrize("name", ["engine.log", "gateway.log", "gateway-key", "running.json", "lock", "table"])
def test_a_folder_in_the_place_of_a_file(name: str, tmp_path: Path) -> None:
    skip_without_engine()
    (tmp_path / name).mkdir()
    code, output = refusal(tmp_path)
    assert code == 1
    assert_one_sentence(output, name, "Is a directory")


@pytest.mark.load
@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + bytes(100)], ids=["text", "cut off"])
def test_a_damaged_database(content: bytes, tmp_path: Path) -> None:
    skip_without_engine()
    (tmp_path / "dynamodb.sqlite").write_bytes(content)
    code, output = refusal(tmp_path)
    assert code == 1
    assert_one_sentence(output, str(tmp_path), "is damaged", "Put a copy of dynamodb.sqlite back, or move it")
    assert (tmp_path / "dynamodb.sqlite").read_bytes() == content, "it is left as it is"


def test_a_data_folder_in_use(tmp_path: Path) -> None:
    with local_system(tmp_path):
        code, output = refusal(tmp_path)
    assert code == 1
    assert_one_sentence(output, "Another Switchboard is running", str(tmp_path))


def test_a_key_file_without_a_key(tmp_path: Path) -> None:
    skip_without_engine()
    (tmp_path / "gateway-key").write_text("hello\n")
    code, output = refusal(tmp_path)
    assert code == 1
    assert_one_sentence(output, "gateway-key", "Delete it")
    assert "hello" not in output


def test_an_invalid_setting(tmp_path: Path) -> None:
    skip_without_engine()
    code, output = refusal(tmp_path, own={"CAPTURE": "loud"})
    assert code == 2
    assert_one_sentence(output, "CAPTURE")


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        code, output = refusal(tmp_path, own={"DYNAMODB_ENDPOINT": endpoint})
    assert code == 1
    assert_one_sentence(output, endpoint)
