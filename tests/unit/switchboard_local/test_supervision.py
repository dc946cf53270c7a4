"""A process that ends is started again, and the terminal has a line about its end and one about its start."""

import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from switchboard_local import supervision
from switchboard_local.supervision import Process, StartFailed, Supervised

WAIT_S = 10.0


@dataclass
class Program:
    """A process that runs until its input ends. `refuses` is how many of the next starts fail."""

    name: str = "sleeper"
    log_name: str = "sleeper.log"
    refuses: int = 0
    spawned: list[Process] = field(default_factory=list)
    ready: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def spawn(self) -> Process:
        self.spawned.append(subprocess.Popen(["cat"], stdin=subprocess.PIPE))
        return self.spawned[-1]

    def wait_until_ready(self, _process: Process) -> None:
        if self.refuses > 0:
            self.refuses -= 1
            raise StartFailed("It has no heart.")
        self.ready.release()

    def stop(self, process: Process) -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(WAIT_S)

    def kill(self) -> None:
        """Kill the newest process."""
        self.spawned[-1].send_signal(signal.SIGKILL)

    def await_start(self) -> None:
        """Return after the next start that succeeds."""
        assert self.ready.acquire(timeout=WAIT_S)


class Lines:
    """What is shown."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._changed = threading.Condition()

    def show(self, text: str) -> None:
        with self._changed:
            self.all.append(text.strip())
            self._changed.notify_all()

    def await_lines(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.all) >= count, WAIT_S), self.all


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE_S", 0.001)


def eventually(is_so: Callable[[], bool]) -> None:
    done = threading.Event()
    for _ in range(int(WAIT_S / 0.01)):
        if is_so():
            return
        done.wait(0.01)
    raise AssertionError


def test_a_killed_process_is_started_again() -> None:
    program, lines = Program(), Lines()
    with Supervised(program, lines.show) as supervised:
        program.await_start()
        assert supervised.condition.is_running
        assert supervised.condition.restarts == 0
        program.kill()
        program.await_start()
        lines.await_lines(2)
        assert supervised.condition.is_running
        assert supervised.condition.restarts == 1
    assert lines.all == [
        "The sleeper has ended (killed by SIGKILL) and is started again.",
        "The sleeper runs again.",
    ]
    assert all(process.returncode is not None for process in program.spawned)


def test_one_that_ends_again_and_again_is_shown_once_more() -> None:
    program, lines = Program(), Lines()
    with Supervised(program, lines.show):
        program.await_start()
        for _ in range(4):
            program.kill()
            program.await_start()
        lines.await_lines(3)
    assert [line.partition(" (")[0] for line in lines.all] == [
        "The sleeper has ended",
        "The sleeper runs again.",
        "The sleeper ends again and again",
    ]


def test_the_end_of_repeated_ends_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    program, lines = Program(), Lines()

    def show(line: str) -> None:
        lines.show(line)
        if "again and again" in line:
            monkeypatch.setattr(supervision, "STEADY_S", 0.0)

    with Supervised(program, show):
        program.await_start()
        for _ in range(2):
            program.kill()
            program.await_start()
        lines.await_lines(4)
    assert lines.all[2:] == [
        "The sleeper ends again and again (killed by SIGKILL); it is still started again.",
        "The sleeper runs again.",
    ]


def test_one_that_ran_long_enough_is_shown_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "STEADY_S", 0.0)
    program, lines = Program(), Lines()
    with Supervised(program, lines.show):
        program.await_start()
        for count in (2, 4):
            program.kill()
            program.await_start()
            lines.await_lines(count)
    assert lines.all[:2] == lines.all[2:]


def test_a_start_that_fails_is_tried_again_and_its_reason_is_shown_once() -> None:
    program, lines = Program(), Lines()
    with Supervised(program, lines.show) as supervised:
        program.await_start()
        program.refuses = 2
        program.kill()
        program.await_start()
        lines.await_lines(3)
        assert supervised.condition.restarts == 1
    assert lines.all[1:] == [
        "The sleeper does not start, which is tried again: It has no heart.",
        "The sleeper runs again.",
    ]


def test_the_end_of_the_block_ends_the_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE_S", 60.0)
    monkeypatch.setattr(supervision, "LONGEST_PAUSE_S", 60.0)
    program, lines = Program(), Lines()
    with Supervised(program, lines.show) as supervised:
        program.kill()
        eventually(lambda: not supervised.condition.is_running)
    lines.await_lines(1)
    assert len(program.spawned) == 1


def test_the_first_start_raises_what_the_program_raises() -> None:
    program = Program(refuses=1)
    with pytest.raises(StartFailed, match="no heart"), Supervised(program, print):
        pass
    assert program.spawned[0].returncode is not None


@pytest.mark.parametrize(
    ("command", "reason"), [("exit 3", "exit code 3; sleeper.log has the reason"), ("kill -9 $$", "killed by SIGKILL")]
)
def test_the_reason_is_told(command: str, reason: str) -> None:
    inner = subprocess.run(["sh", "-c", f"sh -c '{command}'; exit $?"], check=False).returncode  # as the engine's guard
    outer = subprocess.run(["sh", "-c", command], check=False).returncode
    assert [Supervised(Program(), print)._reason(code) for code in (inner, outer)] == [reason, reason]
