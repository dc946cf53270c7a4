"""What stands in the way is said in one sentence, without a traceback."""

import socket
from pathlib import Path

import pytest

from testkit.dynamodb import skip_without_engine
from testkit.local_system import local_system, refusal


def assert_one_sentence(said: str, *words: str) -> None:
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1, said
    for word in words:
        assert word in said


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, said = refusal(tmp_path, port)
    assert code == 1
    assert_one_sentence(said, str(port), "in use", "make run PORT=")


@pytest.mark.parametrize("port", ["eighty", "-1", "70000", ""])
def test_a_port_that_is_none(port: str, tmp_path: Path) -> None:
    code, said = refusal(tmp_path, port)
    assert code == 2
    assert_one_sentence(said, "PORT must be a number from 1 to 65535")


def test_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = refusal(tmp_path / "file" / "data")
    assert code == 1
    assert_one_sentence(said, "cannot be written", str(tmp_path / "file" / "data"))


def test_a_data_folder_in_use(tmp_path: Path) -> None:
    with local_system(tmp_path):
        code, said = refusal(tmp_path)
    assert code == 1
    assert_one_sentence(said, "Another Switchboard is running", str(tmp_path))


def test_a_key_file_that_holds_no_key(tmp_path: Path) -> None:
    skip_without_engine()
    (tmp_path / "gateway-key").write_text("hello\n")
    code, said = refusal(tmp_path)
    assert code == 1
    assert_one_sentence(said, "gateway-key", "Delete it")
    assert "hello" not in said


def test_a_setting_that_cannot_be_used(tmp_path: Path) -> None:
    skip_without_engine()
    code, said = refusal(tmp_path, own={"CAPTURE": "loud"})
    assert code == 2
    assert_one_sentence(said, "CAPTURE")


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        code, said = refusal(tmp_path, own={"DYNAMODB_ENDPOINT": endpoint})
    assert code == 1
    assert_one_sentence(said, endpoint)
