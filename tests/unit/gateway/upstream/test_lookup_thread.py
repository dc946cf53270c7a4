import asyncio
import threading

import pytest

from gateway.upstream.lookup_thread import in_thread


async def test_the_result_comes_from_another_thread() -> None:
    assert await in_thread("a", threading.get_ident) != threading.get_ident()


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit(1)])
async def test_whatever_the_look_up_raises_is_raised(error: BaseException) -> None:
    def fail() -> None:
        raise error

    done = in_thread("a", fail)
    await asyncio.wait([done])
    assert done.exception() is error


async def test_a_look_up_that_hangs_does_not_hold_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def note(thread: threading.Thread) -> None:
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", note)
    await in_thread("a", lambda: None)
    assert [(thread.name, thread.daemon) for thread in started] == [("a", True)]


async def test_a_thread_that_cannot_be_started_is_an_error_of_the_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(OSError, match="can't start new thread"):
        await in_thread("a", lambda: None)
