"""A history of turns with words alone is repaired in short: as the whole stage would, for every provider."""

import pytest

from gateway.domain.call import Chat
from gateway.providers import table
from gateway.providers.histories import stage
from gateway.providers.provider import Provider
from switchboard.stream.deltas import Json

SYSTEM, LATER = {"role": "system", "content": "Be kind."}, {"role": "system", "content": "The caller is in a hurry."}
DEVELOPER = {"role": "developer", "content": "Be brief."}
USER, AGENT = {"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Good day."}
TOOL = {"type": "function", "function": {"name": "book a table", "strict": None, "parameters": {}}}

HISTORIES: dict[str, list[Json]] = {
    "none": [],
    "usual": [SYSTEM, USER, AGENT, USER],
    "later instructions": [SYSTEM, USER, AGENT, LATER, USER],
    "neighbours": [SYSTEM, DEVELOPER, USER, USER, AGENT, AGENT],
    "the agent begins": [AGENT, USER],
    "instructions alone": [SYSTEM],
}
OTHERS: dict[str, dict[str, object]] = {
    "nothing": {},
    "tools": {"tools": [TOOL], "tool_choice": "required"},
    "functions": {"functions": [{"name": "book a table"}], "function_call": {"name": "book a table"}},
    "empty lists": {"tools": [], "stop": []},
}
ODD: dict[str, Json] = {
    "blank": {"role": "user", "content": " \n"},
    "empty": {"role": "user", "content": ""},
    "null": {"role": "assistant", "content": None},
    "parts": {"role": "user", "content": [{"type": "text", "text": "Hello?"}]},
    "a tool's result": {"role": "tool", "content": "1"},
    "a name": {"role": "user", "content": "Hello?", "name": "Ann"},
    "no role": {"content": "Hello?"},
    "another role": {"role": "model", "content": "Hello?"},
    "a role that is no text": {"role": ["user"], "content": "Hello?"},
}


class NoMemory:
    def remember(self, name: str, value: str, history: str) -> None:
        """Keep nothing."""

    def recall(self, name: str, history: str) -> None:
        """Nothing was kept."""


def _drafted(provider: Provider, history: str, others: str) -> tuple[object, ...]:
    chat = Chat("gpt-4o-mini", tuple(HISTORIES[history]), streamed=True, wants_usage=False, others=OTHERS[others])
    draft = provider.draft(chat, "gpt-4o-mini", NoMemory())
    return draft.fields, draft.notes, draft.instead


@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("provider", table.PROVIDERS, ids=lambda provider: provider.dialect)
def test_the_short_way_does_what_the_long_one_does(
    provider: Provider, history: str, others: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_short = _drafted(provider, history, others)
    monkeypatch.setattr(stage, "_is_plain", lambda _message: False)
    if not HISTORIES[history]:
        monkeypatch.setattr(stage, "all", lambda _plain: False, raising=False)
    assert in_short == _drafted(provider, history, others)


@pytest.mark.parametrize("name", ODD)
def test_anything_else_goes_the_long_way(name: str) -> None:
    assert not stage._is_plain(ODD[name])
    assert all(map(stage._is_plain, [SYSTEM, DEVELOPER, USER, AGENT]))
