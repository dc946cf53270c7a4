"""Recognises retries and later turns: each call of a conversation gets a tracker, which learns of the others.

On Lambda the calls of one conversation run in separate processes, and a function is not told that its caller left. The
calls share one row of the table, which is written and polled while they wait for the provider.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from gateway.domain.clock import Clock
from gateway.recording.telemetry import Telemetry
from gateway.turns.local_table import LocalTurnTable
from gateway.turns.tracker import NO_TURN, Tracker, TurnDependencies, TurnTracker, milliseconds
from switchboard.domain.trace import NO_REQUEST_IDS, RequestIds
from switchboard.domain.turn_ids import turn_ids
from switchboard.domain.turns import TurnCall, TurnIds
from switchboard.store.ports import TurnStore

THREADS = 2
"""For requests to the table. More threads would compete with the event loop for the interpreter's lock."""
POLL_EVERY_S = 1.0
GRACE_S = 1.0


def ids_of(
    project: str, conversation: str | None, messages: Sequence[Mapping[str, Any]], *, kind: Sequence[str] = ()
) -> TurnIds | None:
    """The ids of a call's turn; None for a call without a conversation. Hashes the messages.

    `kind`: what two calls must share, besides the messages, to be of one turn, such as task and model.
    """
    return turn_ids((project, conversation, *kind), messages) if conversation and messages else None


class Turns:
    """Makes the trackers of calls. One for each process.

    A call reads its row every `poll_every_s`. A call that has its first token within `grace_s`, is no retry and has one
    target only does not mark its turn as answered, which saves a write: callers wait two seconds at least before they
    retry, and a retry could only be sent to the same target.
    """

    def __init__(
        self,
        store: TurnStore,
        telemetry: Telemetry,
        clock: Clock,
        *,
        poll_every_s: float = POLL_EVERY_S,
        grace_s: float = GRACE_S,
    ) -> None:
        self._dependencies = TurnDependencies(
            store=store,
            telemetry=telemetry,
            clock=clock,
            local_turns=LocalTurnTable(),
            executor=ThreadPoolExecutor(THREADS, "turns"),
            poll_every_s=poll_every_s,
            grace_ms=grace_s * 1000,
        )

    def begin(
        self,
        project: str,
        ids: TurnIds | None,
        arrived_at: datetime,
        trace_id: str,
        *,
        has_choice: bool = True,
        counts_retries: bool = True,
        platform_ids: RequestIds = NO_REQUEST_IDS,
    ) -> Tracker:
        """The tracker of a call; NO_TURN for one without ids. Does no I/O.

        `arrived_at`: when the call was received, before it waited for a process. `has_choice`: the call has more than
        one target. `counts_retries`: whether calls with the same messages are retries of each other.
        `platform_ids`: for the log.
        """
        if ids is None:
            return NO_TURN
        call = TurnCall(project, ids, trace_id, milliseconds(arrived_at))
        options = {"has_choice": has_choice, "counts_retries": counts_retries}
        return TurnTracker(self._dependencies, call, platform_ids, **options)
