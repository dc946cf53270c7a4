"""Runs one blocking look-up beside the event loop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial


def in_thread[T](name: str, look_up: Callable[[], T]) -> "asyncio.Future[T]":
    """The look-up's result, from a daemon thread of its own.

    Not an executor's thread: one executor has threads for a few look-ups only, and the process would wait at its end
    for one that hangs. The caller limits how many run at once. A failure that nobody awaits is not reported.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            end = partial(_succeed, future, look_up())
        except BaseException as error:  # noqa: BLE001 - whatever it is, the future must be done
            end = partial(_fail, future, error)
        with suppress(RuntimeError):  # the loop was closed in the meantime
            loop.call_soon_threadsafe(end)

    try:
        threading.Thread(target=run, name=name, daemon=True).start()
    except RuntimeError as error:
        _fail(future, OSError(f"no thread can be started for the look-up: {error}"))
    return future


def _succeed[T](future: "asyncio.Future[T]", found: T) -> None:
    if not future.done():
        future.set_result(found)


def _fail[T](future: "asyncio.Future[T]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # marks it as retrieved
