"""The log of several processes: no line is lost, and no file grows for ever."""

import subprocess
import sys
from pathlib import Path

import pytest

from switchboard_local import log_file
from switchboard_local.log_file import LogFile

WRITER = """
import sys
from pathlib import Path
from switchboard_local import log_file
log_file.MAX_BYTES, log_file.OLDER_FILES = 500, 100
with log_file.LogFile(Path(sys.argv[1]), print, rotates=sys.argv[2] == "a") as log:
    for number in range(500):
        print(sys.argv[2], number, file=log)
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(log_file, "MAX_BYTES", 20)
    return tmp_path / "gateway.log"


def nothing_shown(text: str) -> None:
    raise AssertionError(text)


def contents(path: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted(path.parent.iterdir())}


def test_a_full_file_is_renamed_and_the_oldest_goes(path: Path) -> None:
    with LogFile(path, nothing_shown, rotates=True) as log:
        for number in range(8):
            print(f"{number} is a line of more than 20 bytes", file=log)
    found = contents(path)
    assert sorted(found) == ["gateway.log", *(f"gateway.log.{number}" for number in range(1, 5))]
    assert [text[:1] for text in found.values()] == ["7", "6", "5", "4", "3"]


def test_a_file_that_was_full_at_the_start_is_renamed(path: Path) -> None:
    path.write_text("of an earlier run, and full\n")
    with LogFile(path, nothing_shown, rotates=True) as log:
        print("first", file=log)
    assert contents(path) == {"gateway.log": "first\n", "gateway.log.1": "of an earlier run, and full\n"}


def test_only_one_process_renames(path: Path) -> None:
    with LogFile(path, nothing_shown) as log:
        for _ in range(10):
            print("a line of more than 20 bytes", file=log)
    assert list(contents(path)) == ["gateway.log"]


def test_a_deleted_file_is_made_again(path: Path) -> None:
    with LogFile(path, nothing_shown) as log:
        path.unlink()
        print("again", file=log)
    assert path.read_text() == "again\n"


def test_no_line_is_lost_between_processes(tmp_path: Path) -> None:
    path = tmp_path / "gateway.log"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "ab"]
    assert [writer.wait(30) for writer in writers] == [0, 0]
    lines = "".join(contents(path).values()).splitlines()
    assert sorted(lines) == sorted(f"{name} {number}" for name in "ab" for number in range(500))
    assert len(contents(path)) > 4
