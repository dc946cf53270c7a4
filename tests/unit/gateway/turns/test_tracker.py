"""Calls of a conversation in one process and in several, over one store."""

import asyncio
import gc

import pytest

from gateway.turns import tracker as tracker_module
from switchboard.domain.trace import Turn
from switchboard.domain.turns import Stop
from switchboard.store.ports import StoreUnavailable
from testkit.turn_processes import ASKED, LATER, SYSTEM, Processes, done


async def test_the_arrival_is_written_once_when_the_request_was_sent(processes: Processes) -> None:
    tracker = processes.call(processes.start())
    assert tracker.retry == 0
    assert processes.store.turns == {}
    tracker.start()
    tracker.start()
    assert len(processes.tasks()) == 2
    await processes.store.answered("record_arrival")
    assert (processes.store.row.arrivals, processes.store.row.arrived_by) == (1, "a")
    assert tracker.turn == Turn(processes.store.row.turn_id, 0, tracker._call.ids.thread_id)
    await tracker.close()
    assert processes.store.requests.count("record_arrival") == 1


async def test_a_retry_in_the_same_process_has_its_number_at_once(processes: Processes) -> None:
    process = processes.start()
    trackers = [await processes.sent(process) for _ in range(3)]
    await processes.store.answered("poll", 3)
    assert [tracker.retry for tracker in trackers] == [0, 1, 2]
    assert not any(tracker.renumbered.done() or tracker.stopped.done() for tracker in trackers)


async def test_a_retry_in_another_process_gets_its_number_from_the_table(processes: Processes) -> None:
    numbers = []
    for _ in range(4):
        tracker = await processes.sent(processes.start())
        numbers.append(tracker.retry)
        if len(numbers) > 1:
            assert await done(tracker.renumbered) == tracker.retry
        processes.later(4)
    assert [tracker.retry for tracker in processes.trackers] == [0, 1, 2, 3]
    assert not any(tracker.stopped.done() for tracker in processes.trackers), "a retry's arrival stops nothing"


@pytest.mark.parametrize(("earlier", "pause_s"), [(ASKED[:1], 1), (ASKED, 40)])
async def test_a_local_row_of_an_earlier_turn_does_not_hide_the_tables_number(
    processes: Processes, earlier: list[dict[str, str]], pause_s: float
) -> None:
    process = processes.start()
    await processes.sent(process, earlier)
    processes.later(pause_s)
    await processes.sent(processes.start())
    processes.later(4)
    assert await done((await processes.sent(process)).renumbered) == 1


async def test_a_number_given_by_the_process_is_not_replaced_by_the_tables(processes: Processes) -> None:
    process = processes.start()
    processes.store.gate.clear()
    first, second = processes.call(process), processes.call(process)
    second.start()
    first.start()
    processes.store.gate.set()
    await processes.store.answered("record_arrival", 2)
    await processes.store.answered("poll")
    assert (first.retry, second.retry) == (0, 1)
    assert not first.renumbered.done()


async def test_the_tables_count_is_merged_into_the_process(processes: Processes) -> None:
    process = processes.start()
    await processes.sent(processes.start())
    await done((await processes.sent(process)).renumbered)
    assert processes.call(process).retry == 2


@pytest.mark.parametrize(("silent_s", "is_marked"), [(0.999, False), (1.0, True)])
async def test_a_call_with_one_target_marks_its_turn_only_after_the_grace_period(
    processes: Processes, silent_s: float, is_marked: bool
) -> None:
    tracker = await processes.sent(processes.start(), has_choice=False)
    await processes.store.answered("poll")
    processes.later(silent_s)
    tracker.answer_started()
    tracker.answer_started()
    await tracker.close()
    assert processes.store.requests.count("mark") == is_marked
    assert processes.store.row.spoken_by == ("a" if is_marked else None)


async def test_a_retry_marks_its_turn_even_within_the_grace_period(processes: Processes) -> None:
    await processes.sent(processes.start())
    processes.store.gate.clear()
    tracker = processes.call(processes.start())
    tracker.start()
    tracker.answer_started()  # before the table has numbered it
    processes.store.gate.set()
    await tracker.close()
    assert processes.store.row.spoken_by == "b"


async def test_a_first_token_before_the_arrival_is_written_needs_no_mark_either(processes: Processes) -> None:
    processes.store.gate.clear()
    tracker = processes.call(processes.start(), has_choice=False)
    tracker.start()
    tracker.answer_started()
    processes.store.gate.set()
    await tracker.close()
    assert processes.store.row.spoken_by is None


async def test_the_other_calls_of_an_answered_turn_are_superseded(processes: Processes) -> None:
    here, there = processes.start(), processes.start()
    first, beside, elsewhere = await processes.sent(here), await processes.sent(here), await processes.sent(there)
    processes.later(5)
    first.answer_started()
    assert beside.stopped.done(), "in the same process at once"
    assert await done(beside.stopped) is Stop.SUPERSEDED
    assert await done(elsewhere.stopped) is Stop.SUPERSEDED
    assert not first.stopped.done()


async def test_a_call_whose_answer_started_too_is_not_stopped(processes: Processes) -> None:
    first, second = await processes.sent(processes.start()), await processes.sent(processes.start())
    processes.later(5)
    second.answer_started()
    first.answer_started()
    await processes.store.answered("mark", 2)
    await processes.store.answered("poll", 4)
    assert processes.store.row.spoken_by is not None
    assert not first.stopped.done()
    assert not second.stopped.done()


async def test_a_later_turn_interrupts_calls_that_wait_and_calls_that_stream(processes: Processes) -> None:
    streaming, waiting = await processes.sent(processes.start()), await processes.sent(processes.start())
    streaming.answer_started()
    processes.later(6)
    later = await processes.sent(processes.start(), LATER)
    assert await done(streaming.stopped) is Stop.INTERRUPTED
    assert await done(waiting.stopped) is Stop.INTERRUPTED
    assert not later.stopped.done()


async def test_a_later_turn_in_the_same_process_interrupts_at_once(processes: Processes) -> None:
    process = processes.start()
    streaming = processes.call(process)
    streaming.answer_started()
    processes.call(process, LATER)
    assert streaming.stopped.result() is Stop.INTERRUPTED


async def test_a_closed_tracker_is_not_stopped_any_more(processes: Processes) -> None:
    process = processes.start()
    tracker = processes.call(process)
    await tracker.close()
    processes.call(process, LATER)
    assert not tracker.stopped.done()


async def test_the_tables_row_interrupts_though_the_local_row_is_of_a_newer_turn(processes: Processes) -> None:
    process = processes.start()
    tracker = processes.call(process)
    processes.later(1)
    await processes.sent(processes.start(), LATER)
    processes.later(1)
    processes.call(process, [SYSTEM, {"role": "user", "content": "Hello?"}])
    tracker.start()
    assert await done(tracker.stopped) is Stop.INTERRUPTED


async def test_a_turn_answered_in_this_process_can_be_asked_again(processes: Processes) -> None:
    process = processes.start()
    (await processes.sent(process)).answer_started()
    processes.later(3)
    again = await processes.sent(process)
    await processes.store.answered("poll", 2)
    assert again.retry == 0
    assert not again.renumbered.done()
    assert not again.stopped.done()


async def test_a_turn_answered_in_another_process_can_be_asked_again(processes: Processes) -> None:
    first = await processes.sent(processes.start())
    processes.later(2)
    first.answer_started()
    await processes.store.answered("mark")
    processes.later(1)
    again = await processes.sent(processes.start())
    await processes.store.answered("poll", 4)
    assert processes.store.row.arrived_by == "b"
    assert not again.renumbered.done()
    assert not again.stopped.done()


async def test_a_quick_answer_is_marked_where_there_are_several_targets(processes: Processes) -> None:
    (await processes.sent(processes.start())).answer_started()
    await processes.store.answered("mark")
    processes.later(0.5)
    again = await processes.sent(processes.start())
    await processes.store.answered("poll", 4)
    assert (again.retry, again.renumbered.done()) == (0, False)


async def test_a_call_that_arrived_before_a_later_turn_is_interrupted_when_it_is_counted(processes: Processes) -> None:
    here = processes.start()
    arrived_at = processes.now
    processes.later(1)
    await processes.sent(here, LATER)
    processes.now = arrived_at
    assert await done(processes.call(here).stopped) is Stop.INTERRUPTED
    elsewhere = processes.call(processes.start(poll_every_s=60))
    elsewhere.start()
    assert await done(elsewhere.stopped) is Stop.INTERRUPTED


async def test_polling_ends_when_the_call_is_stopped(processes: Processes) -> None:
    first, second = await processes.sent(processes.start()), await processes.sent(processes.start())
    processes.later(2)
    first.answer_started()
    await done(second.stopped)
    await first.close()
    assert not processes.tasks()


async def test_the_first_poll_comes_one_interval_after_the_arrival(processes: Processes) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await processes.sent(processes.start(poll_every_s=0.05))
    await processes.store.answered("poll")
    assert loop.time() - began >= 0.045


@pytest.mark.parametrize("error", [StoreUnavailable("Could not connect"), KeyError("turn_id")])
async def test_a_failing_table_is_logged_once_and_no_call_fails(processes: Processes, error: Exception) -> None:
    processes.store.fail_with(error)
    tracker = processes.call(processes.start())
    tracker.start()
    await processes.store.answered("poll")
    if tasks := processes.tasks():
        await asyncio.wait(tasks, timeout=5)
    assert not processes.tasks()
    processes.later(2)
    tracker.answer_started()
    await tracker.close()
    assert not tracker.stopped.done()
    assert not tracker.renumbered.done()
    [(level, event, fields)] = processes.log.lines
    assert (level, event) == ("warning", "turn.untracked")
    # On a busy machine the first poll may end before the arrival is written.
    assert fields["what"] in {"arrival", "look"}
    assert (fields["trace_id"], fields["reason"]) == ("a", str(error))
    assert processes.store.requests.count("poll") == 1, "a failing table is not polled again"


async def test_close_waits_for_pending_writes(processes: Processes) -> None:
    tracker = processes.call(processes.start(poll_every_s=60))
    processes.store.gate.clear()
    tracker.start()
    closing = asyncio.create_task(tracker.close())
    await asyncio.sleep(0)
    processes.store.gate.set()
    async with asyncio.timeout(tracker_module.CLOSE_TIMEOUT_S / 2):
        await closing
    assert processes.store.row.arrived_by == "a"


async def test_close_waits_for_close_timeout_s_at_most(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    monkeypatch.setattr(tracker_module, "CLOSE_TIMEOUT_S", 0.01)
    tracker = processes.call(processes.start())
    processes.store.gate.clear()
    tracker.start()
    await asyncio.sleep(0)
    tracker.answer_started()
    async with asyncio.timeout(2):
        await tracker.close()
    assert not processes.tasks()
    processes.store.fail_with(StoreUnavailable("too late"))
    processes.store.gate.set()
    await processes.store.answered("record_arrival")
    processes.trackers.clear()
    del tracker
    gc.collect()
    assert complaints == []


async def test_a_call_that_was_never_sent_writes_nothing(processes: Processes) -> None:
    tracker = processes.call(processes.start())
    tracker.answer_started()
    await tracker.close()
    await tracker.close()
    assert processes.store.requests == []
