"""Sends a call to the targets of its plan and returns the answer of the first one that produces content.

Nothing reaches the caller before the first content or tool delta; from then on each event is passed on as it comes.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.domain.errors import AllTargetsFailed
from gateway.recording.journal import Journal
from gateway.relay.answer import EVENT_STREAM, JSON, Answer, once
from gateway.relay.exchange import Sender
from gateway.relay.limits import Limits, ProjectLimits
from gateway.relay.race import Hooks, Race
from gateway.relay.unspoken import take_unspoken
from gateway.routing.plan import Plan


@dataclass(frozen=True, slots=True)
class Relay:
    """One for the life of the process: its limits remember how the targets do."""

    sender: Sender
    limits: Limits
    _abandoned: set["asyncio.Task[None]"] = field(default_factory=set)

    async def answer(self, plan: Plan, journal: Journal, hooks: Hooks) -> Answer:
        """The answer of the first target with content, else one that ended without a word.

        Raises AllTargetsFailed, or why none could be asked.
        """
        limits = self._limits(journal)
        limits.count_call(plan.targets)
        try:
            return await Race(self.sender, limits, plan, journal, hooks, self._abandon).run()
        except AllTargetsFailed:
            if (unspoken := take_unspoken(journal)) is None:
                raise
            return Answer(EVENT_STREAM if journal.call.chat.streamed else JSON, once(unspoken))

    def ended(self, journal: Journal) -> None:
        """Count the end of a call's answer for or against its target's health."""
        answering = journal.answering
        if answering is None:
            return
        if answering.failure is None:  # complete, or good for as long as the caller stayed
            self._limits(journal).health.succeeded(answering.target)
        else:
            self._limits(journal).report_failure(answering, answering.failure)

    def _limits(self, journal: Journal) -> ProjectLimits:
        return self.limits.of(journal.call.caller.project)

    def _abandon(self, tasks: Iterable["asyncio.Task[Answer]"]) -> None:
        """Cancel attempts whose answers are not needed, without waiting for their end."""
        for task in tasks:
            task.cancel()
            closing = asyncio.create_task(_close(task))
            self._abandoned.add(closing)
            closing.add_done_callback(self._abandoned.discard)


async def _close(task: "asyncio.Task[Answer]") -> None:
    """Wait for a cancelled attempt to end; close an answer that came in the same moment."""
    await asyncio.wait((task,))
    if not task.cancelled() and task.exception() is None:
        await task.result().aclose(drain=False)
