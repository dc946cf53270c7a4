"""Which calls get a tracker, and which of them belong to one turn."""

import pytest

from gateway.turns.tracker import NO_TURN
from gateway.turns.turns import ids_of
from switchboard.domain.turns import Stop
from testkit.samples import NOON
from testkit.turn_processes import ASKED, LATER, OTHER_PROMPT, Processes, done


@pytest.mark.parametrize(("conversation", "messages"), [(None, ASKED), ("", ASKED), ("conv_1", [])])
async def test_a_call_without_a_conversation_has_no_tracker(
    processes: Processes, conversation: str | None, messages: list[dict[str, str]]
) -> None:
    tracker = processes.start().begin("acme", ids_of("acme", conversation, messages), NOON, "a")
    assert tracker is NO_TURN
    tracker.start()
    tracker.answer_started()
    await tracker.close()
    assert (tracker.retry, tracker.turn) == (0, None)
    assert not tracker.stopped.done()
    assert not tracker.renumbered.done()
    assert processes.store.requests == []


async def test_another_system_prompt_is_another_thread(processes: Processes) -> None:
    main = await processes.sent(processes.start())
    aside = await processes.sent(processes.start(), OTHER_PROMPT)
    assert await done((await processes.sent(processes.start())).renumbered) == 1
    await processes.store.answered("poll", 6)
    assert not main.stopped.done()
    assert not aside.stopped.done()


async def test_calls_of_another_kind_are_no_retries(processes: Processes) -> None:
    process = processes.start()
    kinds = [("booking", "gpt"), ("booking", "claude"), ("booking", "gpt")]
    assert [processes.call(process, kind=kind).retry for kind in kinds] == [0, 0, 1]


async def test_without_counted_retries_a_later_turn_still_interrupts(processes: Processes) -> None:
    process = processes.start()
    here, beside = [await processes.sent(process, counts_retries=False) for _ in range(2)]
    elsewhere = await processes.sent(processes.start(), counts_retries=False)
    processes.later(2)
    here.answer_started()
    await processes.store.answered("poll", 4)
    for tracker in (here, beside, elsewhere):
        assert (tracker.retry, tracker.renumbered.done(), tracker.stopped.done()) == (0, False, False)
    await processes.sent(processes.start(), LATER)
    for tracker in (here, beside, elsewhere):
        assert await done(tracker.stopped) is Stop.INTERRUPTED
