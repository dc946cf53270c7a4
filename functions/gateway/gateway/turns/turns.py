"""Retries and later turns: every call of a conversation gets a watch, which knows of the others.

On Lambda the calls of one conversation run in processes of their own, and none is told that its caller left. What they
know of each other goes through one row of the table, beside the wait for the provider.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from gateway.domain.clock import Clock
from gateway.recording.telemetry import Telemetry
from gateway.turns.local_table import LocalTurnTable
from gateway.turns.tracker import NO_TURN, TurnDependencies, TurnTracker, Watch, milliseconds
from switchboard.domain.turn_ids import turn_ids
from switchboard.domain.turns import TurnCall
from switchboard.store.ports import TurnStore

THREADS = 2
"""They wait for the table. More of them would only take turns at the interpreter's lock with the loop that streams."""
LOOK_EVERY_S = 1.0
GRACE_S = 1.0


class Turns:
    """Watches over the calls of conversations. One for each process.

    A call looks at its row every `look_every_s`. One that speaks within `grace_s`, is no retry and has but one target
    marks nothing: it has no retries, since callers are patient for two seconds at least, and whoever asks again could
    only be sent to the same target.
    """

    def __init__(
        self,
        store: TurnStore,
        telemetry: Telemetry,
        clock: Clock,
        *,
        look_every_s: float = LOOK_EVERY_S,
        grace_s: float = GRACE_S,
    ) -> None:
        self._sources = TurnDependencies(
            store=store,
            telemetry=telemetry,
            clock=clock,
            book=LocalTurnTable(),
            threads=ThreadPoolExecutor(THREADS, "turns"),
            look_every_s=look_every_s,
            grace_ms=grace_s * 1000,
        )

    def begin(
        self,
        project: str,
        conversation: str | None,
        messages: Sequence[Mapping[str, Any]],
        arrived_at: datetime,
        trace_id: str,
        *,
        kind: Sequence[str] = (),
        has_choice: bool = True,
        counts_retries: bool = True,
    ) -> Watch:
        """The watch over a call; NO_TURN for one without a conversation. Hashes the messages, and waits for nothing.

        `arrived_at`: when the call reached us, before it waited for a process. `kind`: what else two calls must share
        to ask the same, as their task and model. `has_choice`: a retry could go elsewhere. `counts_retries`: whether
        calls that ask the same are retries at all.
        """
        if not conversation or not messages:
            return NO_TURN
        ids = turn_ids((project, conversation, *kind), messages)
        call = TurnCall(project, ids, trace_id, milliseconds(arrived_at))
        return TurnTracker(self._sources, call, has_choice=has_choice, counts_retries=counts_retries)
