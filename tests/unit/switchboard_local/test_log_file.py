"""The log file takes whole lines, and a full disk fails no call."""

import logging
import os
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from threading import Thread

import pytest

from switchboard_local.log_file import LogFile

FULL = Path("/dev/full")
"""A device on which every write fails as on a full disk."""

needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


def nothing_shown(text: str) -> None:
    raise AssertionError(text)


def test_lines_are_appended_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("earlier\n")
    with LogFile(path, nothing_shown) as log, LogFile(path, nothing_shown) as other:
        print("one", file=log)
        log.write("be")
        print("two", file=other)
        log.write("gun\nand")
        assert path.read_text() == "earlier\none\ntwo\nbegun\n"
        print(" ended", "\udcff ä", file=log)
    assert path.read_text() == "earlier\none\ntwo\nbegun\nand ended \\udcff ä\n"


def test_threads_tear_no_line(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with LogFile(path, nothing_shown) as log:
        threads = [Thread(target=lambda: [log.write("x" * 100 + "\n") for _ in range(200)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert path.read_text() == ("x" * 100 + "\n") * 800


@needs_full
def test_a_full_disk_is_said_once_and_raises_nothing() -> None:
    shown: list[str] = []
    with LogFile(FULL, shown.append) as log, redirect_stdout(log):
        for _ in range(3):
            print("a line")
        handler = logging.StreamHandler(log)
        handler.handleError = lambda record: pytest.fail(record.getMessage())  # type: ignore[method-assign]
        handler.emit(logging.makeLogRecord({"msg": "another"}))
    assert shown == [
        "  The log /dev/full cannot be written: No space left on device. Calls go on; these lines are lost."
    ]


def test_the_log_goes_on_when_there_is_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, shown = tmp_path / "a.log", list[str]()
    monkeypatch.setattr(os, "write", with_room_for(10, os.write))
    with LogFile(path, shown.append) as log:
        print("12345", file=log)
        print("6789 is cut", file=log)
        print("lost", file=log)
        monkeypatch.undo()
        print("again", file=log)
    assert path.read_text() == "12345\n6789\nagain\n"
    assert len(shown) == 1


def with_room_for(room: int, write: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
    """`os.write` on a disk that has room for so many bytes."""
    left = [room]

    def limited(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(28, "No space left on device")
        written = write(descriptor, data[: left[0]])
        left[0] -= written
        return written

    return limited
