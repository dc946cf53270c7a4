"""Sends a call upstream, by its plan, and lets the answer of the first target that speaks through.

Nothing reaches the caller before the first content or tool delta; from then on events flow as they come, unchanged.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.recording.journal import Journal
from gateway.relay.attempt import Answer, Attempts
from gateway.relay.blame import blame_failure
from gateway.relay.hooks import Hooks
from gateway.relay.race import Limits, Race
from gateway.routing.plan import Plan


@dataclass(frozen=True, slots=True)
class Relay:
    """One for the life of the process: its limits remember how the targets do."""

    attempts: Attempts
    limits: Limits
    _leaving: set["asyncio.Task[None]"] = field(default_factory=set)

    async def answer(self, plan: Plan, journal: Journal, hooks: Hooks) -> Answer:
        """The answer of the first target that speaks. Raises AllTargetsFailed, or why none could be asked."""
        self.limits.hedges.earn()
        self.limits.repeats.earn()
        return await Race(self.attempts, self.limits, plan, journal, hooks, self._leave).run()

    def ended(self, journal: Journal) -> None:
        """A call is over: what became of the answer that was let through says how its target does."""
        answering, health = journal.answering, self.limits.health
        if answering is None:
            return
        if answering.failure is None:  # good, for as long as anybody listened
            health.succeeded(answering.target)
        else:
            blame_failure(health, answering, answering.failure)

    def _leave(self, tasks: Iterable["asyncio.Task[Answer]"]) -> None:
        """End the attempts that nobody waits for any more, beside whatever goes on."""
        for task in tasks:
            task.cancel()
            leaving = asyncio.create_task(_end(task))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)


async def _end(task: "asyncio.Task[Answer]") -> None:
    """Wait for a cancelled attempt's end; an answer that came in the same moment is closed."""
    await asyncio.wait((task,))
    if not task.cancelled() and task.exception() is None:
        await task.result().aclose(drain=False)
