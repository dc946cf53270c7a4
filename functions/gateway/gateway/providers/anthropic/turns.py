"""Converts a history of chat messages to Anthropic's turns.

Turns alternate, the user's first, and the turn after a tool call holds its result:
https://platform.claude.com/docs/en/api/messages and its page on tool use.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.domain.json_text import object_field, read_json_object
from gateway.providers.anthropic.content import Block, Note, plain_text, text_block, text_blocks, user_blocks
from gateway.providers.repairs import SILENCE
from switchboard.stream.deltas import Json

NO_RESULT = "The tool gave no result."
_SYSTEM_ROLES = frozenset({"system", "developer"})
_TOOL_ROLES = frozenset({"tool", "function"})
_READ_FIELDS = frozenset({"role", "content", "refusal", "tool_calls", "function_call", "tool_call_id"})
_NOT_IN_A_NAME = re.compile("[^a-zA-Z0-9_-]")


@dataclass(slots=True)
class History:
    """Collects the `system` blocks and the turns for `messages`."""

    note: Note
    system: list[Block] = field(default_factory=list)
    turns: list[Block] = field(default_factory=list)
    _open_calls: list[tuple[object, str]] = field(default_factory=list)
    """Calls of the last assistant turn without a result: the caller's id, and the id that is sent."""
    _ids: set[str] = field(default_factory=set)

    def add(self, message: Json) -> None:
        """Add the next message."""
        role = message.get("role")
        for name in sorted(message.keys() - _READ_FIELDS):
            if not (role in _TOOL_ROLES and name == "name"):
                self.note(f"left out messages[].{name[:64]}")
        if role in _SYSTEM_ROLES:
            self._add_system(message.get("content"))
        elif role == "assistant":
            self._add_assistant(message)
        elif role in _TOOL_ROLES:
            self._add_result(message)
        else:
            self._add_user(message.get("content"))

    def finish(self) -> None:
        """Add what is missing for the history to begin and end with the user."""
        self._add_missing_results()
        if self.turns and self.turns[0]["role"] == "assistant":
            self.note("added a user turn before the first assistant turn")
            self.turns.insert(0, {"role": "user", "content": [text_block(SILENCE)]})
        if not self.turns or self.turns[-1]["role"] == "assistant":
            self.note("added a user turn at the end")
            self._turn("user").append(text_block(SILENCE))

    def _add_system(self, content: object) -> None:
        """Leading ones are the system prompt; later ones keep their place, so that turns before them stay cached."""
        blocks = text_blocks(content, self.note)
        if not self.turns:
            self.system += blocks
        elif blocks:
            self.note("sent a later system message as marked text of a user turn")
            text = "\n".join(str(block["text"]) for block in blocks)
            self._turn("user").append(text_block(f"<system>\n{text}\n</system>"))

    def _add_user(self, content: object) -> None:
        blocks = list(user_blocks(content, self.note))
        if not blocks:
            self.note(f"sent {SILENCE!r} for an empty user message")
        self._turn("user").extend(blocks or [text_block(SILENCE)])

    def _add_assistant(self, message: Json) -> None:
        blocks = text_blocks(message.get("content") or message.get("refusal"), self.note)
        calls = message.get("tool_calls")
        if not calls and isinstance(function := message.get("function_call"), dict):
            calls = [{"function": function}]
        uses = [self._use(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
        if blocks or uses:
            self._add_assistant_blocks(blocks, uses)

    def _add_assistant_blocks(self, blocks: Iterable[Block], uses: list[tuple[object, Block]]) -> None:
        if self.turns and self.turns[-1]["role"] == "user":
            self._add_missing_results()
        turn = self._turn("assistant")
        place = next((place for place, block in enumerate(turn) if block["type"] == "tool_use"), len(turn))
        turn[place:place] = blocks  # text first: a turn's calls are answered by the very next turn
        turn.extend(use for _, use in uses)
        self._open_calls += [(given_id, str(use["id"])) for given_id, use in uses]

    def _use(self, call: Json) -> tuple[object, Block]:
        function = object_field(call, "function")
        name = _NOT_IN_A_NAME.sub("_", str(function.get("name") or "unnamed"))
        given_id = call.get("id")
        use = {"type": "tool_use", "id": self._new_id(given_id), "name": name}
        return given_id, use | {"input": self._input(function.get("arguments"))}

    def _new_id(self, given_id: object) -> str:
        """The caller's id where Anthropic takes it, else one that is the same on every turn of a conversation."""
        wanted = _NOT_IN_A_NAME.sub("_", given_id) if isinstance(given_id, str) else ""
        unique = wanted or f"call_{len(self._ids)}"
        while unique in self._ids:
            unique += "_"
        if unique != given_id:
            self.note("repaired a tool call's id")
        self._ids.add(unique)
        return unique

    def _input(self, arguments: object) -> object:
        if isinstance(arguments, dict):
            return arguments
        if not isinstance(arguments, str) or not arguments.strip():
            return {}
        try:
            return read_json_object(arguments)
        except ValueError:
            self.note("wrapped a tool call's arguments that are no JSON object")
            return {"arguments": arguments}

    def _add_result(self, message: Json) -> None:
        sent_id = self._close_call(message.get("tool_call_id"))
        if sent_id is None:
            self.note("sent a tool result without its call as text")
            text = plain_text(message.get("content"), self.note) or NO_RESULT
            self._turn("user").append(text_block(f"<tool_result>\n{text}\n</tool_result>"))
            return
        result: Block = {"type": "tool_result", "tool_use_id": sent_id}
        if blocks := list(user_blocks(message.get("content"), self.note)):
            result["content"] = blocks
        self._insert_result(result)

    def _close_call(self, given_id: object) -> str | None:
        """The id under which the call was sent; an unknown id means the first call without a result."""
        if not self._open_calls:
            return None
        found = next((place for place, (known, _) in enumerate(self._open_calls) if known == given_id), None)
        if found is None:
            self.note("gave a tool result of an unknown call to the first open one")
        return self._open_calls.pop(found or 0)[1]

    def _insert_result(self, result: Block) -> None:
        """Results come first in their turn: after text, they are refused."""
        turn = self._turn("user")
        turn.insert(sum(block["type"] == "tool_result" for block in turn), result)

    def _add_missing_results(self) -> None:
        for _, sent_id in self._open_calls:
            self.note("added a missing tool result")
            self._insert_result({"type": "tool_result", "tool_use_id": sent_id, "content": [text_block(NO_RESULT)]})
        self._open_calls.clear()

    def _turn(self, role: str) -> list[Block]:
        """The blocks of the last turn, a new one where the last has another role."""
        if not self.turns or self.turns[-1]["role"] != role:
            self.turns.append({"role": role, "content": []})
        blocks = self.turns[-1]["content"]
        assert isinstance(blocks, list)  # noqa: S101 - every turn's content is the list made above
        return blocks
