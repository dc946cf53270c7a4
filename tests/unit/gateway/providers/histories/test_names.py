import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.histories.names import given_tool_names, sent_tool_names
from gateway.providers.histories.refusals import NameRule

RULE = NameRule(longest=12)
NAMES = st.lists(st.text("ab._-é ", min_size=1, max_size=16), unique=True, max_size=12)


def fields(names: list[str]) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": name}} for name in names]}


@given(NAMES)
def test_every_name_is_taken_and_no_two_become_one(names: list[str]) -> None:
    mapping = sent_tool_names(fields(names), [], RULE)
    sent = [mapping.get(name, name) for name in names]
    assert len(set(sent)) == len(names)
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,12}", name) for name in sent)
    assert given_tool_names(fields(names), [], RULE) == {new: old for old, new in mapping.items()}


@given(NAMES, st.randoms())
def test_the_order_of_names_changes_nothing(names: list[str], random: Any) -> None:
    shuffled = random.sample(names, len(names))
    assert sent_tool_names(fields(names), [], RULE) == sent_tool_names(fields(shuffled), [], RULE)


def test_a_name_that_is_taken_is_never_changed() -> None:
    assert sent_tool_names(fields(["end_call", "end.call"]), [], RULE).keys() == {"end.call"}
