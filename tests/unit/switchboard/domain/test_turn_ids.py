from collections.abc import Sequence
from typing import Any

import pytest

from switchboard.domain.turn_ids import MAX_ANCESTORS, turn_ids

type Messages = Sequence[dict[str, Any]]

SCOPE = ("acme", "conv_1")
SYSTEM = {"role": "system", "content": "You take bookings."}
ASKED = {"role": "user", "content": "A table for two."}
SAID = {"role": "assistant", "content": "For when?"}
CALLED = {"role": "assistant", "content": None, "tool_calls": [{"id": "c1"}, {"id": "c2"}]}
FOUND = {"role": "tool", "tool_call_id": "c1", "content": "free"}
TONIGHT = {"role": "user", "content": "Tonight."}


def turn(*messages: dict[str, Any]) -> str:
    return turn_ids(SCOPE, messages).turn_id


def test_the_same_history_has_the_same_ids() -> None:
    again = {"content": "A table for two.", "role": "user"}
    assert turn_ids(SCOPE, [SYSTEM, ASKED]) == turn_ids(list(SCOPE), [dict(SYSTEM), again])


@pytest.mark.parametrize(
    "other",
    [
        [SYSTEM],
        [ASKED, SYSTEM],
        [SYSTEM, ASKED, SAID],
        [SYSTEM, {"role": "assistant", "content": "A table for two."}],
        [SYSTEM, {"role": "user", "content": "A table for two"}],
        [SYSTEM, {"role": "user", "content": [{"type": "text", "text": "A table for two."}]}],
        [SYSTEM, {**ASKED, "name": "Ann"}],
        [SYSTEM, {"role": "user", "content": None}],
        [SYSTEM, {"role": "use", "content": "rA table for two."}],
        [SYSTEM, {"role": "user", "content": "A table for two.\ud800"}],
    ],
)
def test_another_history_has_another_id(other: Messages) -> None:
    assert turn(*other) != turn(SYSTEM, ASKED)


@pytest.mark.parametrize("other", [("acme", "conv_2"), ("other", "conv_1"), ("acmeconv_1",), ("acme", "conv_1", "x")])
def test_another_scope_gives_other_ids(other: Sequence[str]) -> None:
    one, another = turn_ids(SCOPE, [SYSTEM, ASKED]), turn_ids(other, [SYSTEM, ASKED])
    assert one.thread_id != another.thread_id
    assert one.turn_id != another.turn_id


def test_a_thread_is_a_conversation_with_its_first_message() -> None:
    thread = turn_ids(SCOPE, [SYSTEM]).thread_id
    assert thread != turn(SYSTEM)
    assert turn_ids(SCOPE, [SYSTEM, ASKED, SAID, TONIGHT]).thread_id == thread
    assert turn_ids(SCOPE, [{**SYSTEM, "content": "Summarise."}, ASKED]).thread_id != thread


def test_ancestors_are_the_histories_that_earlier_calls_can_have_had() -> None:
    talk: list[dict[str, Any]] = [SYSTEM, ASKED, CALLED, FOUND, FOUND, SAID, TONIGHT]
    expected = [turn(*talk[:end]) for end in (1, 2, 5, 6)]
    assert list(turn_ids(SCOPE, talk).ancestors) == expected


def test_a_first_message_has_no_ancestors() -> None:
    assert turn_ids(SCOPE, [SYSTEM]).ancestors == ()


def test_a_long_conversation_keeps_its_latest_ancestors() -> None:
    talk: list[dict[str, Any]] = [SYSTEM, *([ASKED, SAID] * 100), TONIGHT]
    ends = range(len(talk) - MAX_ANCESTORS, len(talk))
    assert list(turn_ids(SCOPE, talk).ancestors) == [turn(*talk[:end]) for end in ends]


def test_ids_are_short_hashes() -> None:
    ids = turn_ids(SCOPE, [SYSTEM, ASKED, SAID, TONIGHT])
    assert all(len(id_) == 24 and int(id_, 16) >= 0 for id_ in (ids.thread_id, ids.turn_id, *ids.ancestors))
