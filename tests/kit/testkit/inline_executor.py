"""Executors without threads, for work in virtual time."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, override


class InlineExecutor(Executor):
    """Runs each function at once. While `hangs` is set, it starts none, as a thread that gets no answer."""

    def __init__(self) -> None:
        self.hangs = False

    @override
    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The function's result, or its exception."""
        done: Future[Any] = Future()
        if not self.hangs:
            try:
                done.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - the caller gets it
                done.set_exception(error)
        return done
