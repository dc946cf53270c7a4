"""Sends a request once more, repaired, when its target has refused what the gateway itself put into it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.domain.attempt import Attempt
from gateway.domain.call import Call
from gateway.domain.codec import Draft, Memory, Repair
from gateway.domain.large import beside_the_loop
from gateway.domain.reports import UpstreamRejected
from gateway.providers.provider import Provider
from gateway.providers.refusals import STATUSES, repairs_for
from gateway.relay.refused_fields import RefusedFields
from switchboard.domain.notes import add_notes


@dataclass(frozen=True, slots=True)
class Healing[Answer]:
    """One attempt's request. `post` sends a body: it raises UpstreamRejected where the target refuses it.

    A repaired request belongs to the same attempt: its deadline goes on, and neither `max_attempts` nor the retry
    budget count it. There is one; a second refusal is final.
    """

    refused: RefusedFields
    provider: Provider
    memory: Memory
    call: Call
    attempt: Attempt
    post: Callable[[bytes], Awaitable[Answer]]

    async def send(self, ready: Callable[[], None]) -> Answer:
        """The answer; `ready` is called when the request is written. Raises UpstreamFailure."""
        known = self.refused.recall(self.call, self.attempt.target)
        draft, body = await self._write(known)
        add_notes(self.attempt.notes, draft.notes)
        ready()
        try:
            return await self.post(body)
        except UpstreamRejected as rejected:
            asked = repairs_for(rejected.body, draft) if rejected.status in STATUSES else ()
            if not asked:
                raise
            repairs = (*known, *asked)
            draft, repaired = await self._write(repairs)
            if repaired == body:
                raise
            first = rejected
        self.attempt.notes[:] = [f"sent again: the provider answered {first.status} to the first request"]
        add_notes(self.attempt.notes, draft.notes)
        return await self._post_again(repaired, repairs, first)

    async def _post_again(self, body: bytes, repairs: tuple[Repair, ...], first: UpstreamRejected) -> Answer:
        try:
            answer = await self.post(body)
        except UpstreamRejected as second:
            if second.status in STATUSES and second.body != first.body:  # something else is wrong now
                self.refused.remember(self.call, self.attempt.target, repairs)
            raise
        self.refused.remember(self.call, self.attempt.target, repairs)
        return answer

    async def _write(self, repairs: tuple[Repair, ...]) -> tuple[Draft, bytes]:
        target = self.attempt.target

        def write() -> tuple[Draft, bytes]:
            draft = self.provider.draft(self.call.chat, target.model, self.memory, target.url, repairs)
            return draft, self.provider.write(draft, self.memory)

        return await beside_the_loop(self.call.body, write)
