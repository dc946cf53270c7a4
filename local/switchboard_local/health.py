"""What `/health?deep` answers: whether the parts of the local system work, and for how long."""

import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import ClientError

from switchboard_local.aggregator_process import Aggregator
from switchboard_local.engine_database import DatabaseReplaced
from switchboard_local.last_records import Records
from switchboard_local.supervision import Condition, Supervised

PROBE_EVERY_S = 2.0
STREAM_LATE_S = 30.0
"""An aggregator that has not read the stream for so long does not work. A sweep of lost calls can take seconds."""


class StoreProbe:
    """Asks the table for its description while a `with` block runs, and shows once that it does not answer.

    `describe` raises any exception if the table cannot be reached. `show` prints a line on the terminal; it is not
    called while `is_known`.
    """

    def __init__(
        self, describe: Callable[[], object], show: Callable[[str], None], is_known: Callable[[], bool]
    ) -> None:
        self._describe = describe
        self._show = show
        self._is_known = is_known
        self._is_shown = False
        self._ended = threading.Event()
        self._state: tuple[str | None, float] = (None, time.monotonic())

    def __enter__(self) -> Self:
        threading.Thread(target=self._run, name="store-probe", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()

    @property
    def state(self) -> tuple[str | None, float]:
        """Why the table does not answer, or None; and for how many seconds that has been so."""
        error, since = self._state
        return error, time.monotonic() - since

    def probe(self) -> None:
        """Ask once."""
        began_at = time.monotonic()
        error, sentence = self._error()
        earlier, since = self._state
        self._state = (error, since if (error is None) == (earlier is None) else began_at)
        if self._ended.is_set():
            return
        if error and not self._is_shown and not self._is_known():
            self._is_shown = True
            self._show(f"  {sentence}")
        if self._is_shown and not error:
            self._is_shown = False
            self._show("  The database answers again.")

    def _error(self) -> tuple[str | None, str]:
        """The error's name, and a sentence. An error's own text may have the engine's address, told to nobody."""
        try:
            self._describe()
        except DatabaseReplaced as error:
            return type(error).__name__, str(error)
        except ClientError as error:
            name = error.response["Error"]["Code"]
        except Exception as error:  # noqa: BLE001 - whatever it is, the table cannot be reached
            name = type(error).__name__
        else:
            return None, ""
        return name, f"The database does not answer ({name})."

    def _run(self) -> None:
        while not self._ended.wait(PROBE_EVERY_S):
            self.probe()


@dataclass(frozen=True, slots=True)
class Health:
    """The parts whose state is told. There is no engine where the user has set an endpoint."""

    store: StoreProbe
    engine: Supervised | None
    aggregator: Supervised
    stream: Aggregator
    records: Records

    def report(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the JSON of the answer: 503 if a part does not work."""
        error, for_s = self.store.state
        aggregator, read_s_ago = self.aggregator.condition, self.stream.read_stream_s_ago
        is_late = min(aggregator.for_s, math.inf if read_s_ago is None else read_s_ago) > STREAM_LATE_S
        is_well = error is None and aggregator.is_running and not is_late
        parts = {
            "status": "ok" if is_well else "degraded",
            "store": {"reachable": error is None, "for_s": round(for_s, 1), "error": error},
            "records": {"waiting": self.records.waiting},
            "engine": None if self.engine is None else _told(self.engine.condition),
            "aggregator": {
                **_told(aggregator),
                "read_stream_s_ago": None if read_s_ago is None else round(read_s_ago, 1),
            },
        }
        return 200 if is_well else 503, parts

    async def __call__(self, scope: object, receive: object, send: Any) -> None:  # noqa: ANN401, ARG002 - ASGI's own
        """Answer a request."""
        status, parts = self.report()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(parts).encode()})


def _told(condition: Condition) -> dict[str, object]:
    return {
        "running": condition.is_running,
        "for_s": round(condition.for_s, 1),
        "restarts": condition.restarts,
    }
