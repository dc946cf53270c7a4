"""Converts a history of chat messages to Anthropic's turns.

Turns alternate, the user's first, and the turn after a tool call holds its result:
https://platform.claude.com/docs/en/api/messages and its page on tool use. The history has been repaired before
(`gateway.providers.histories`): every call has an id, a name and arguments, and its result follows it.
"""

from dataclasses import dataclass, field

from gateway.domain.json_text import object_field, read_json_object
from gateway.providers.anthropic.content import Block, Note, text_block, text_blocks, user_blocks
from gateway.providers.repairs import SILENCE
from switchboard.stream.deltas import Json

_SYSTEM_ROLES = ("system", "developer")
READ_FIELDS = frozenset({"role", "content", "refusal", "tool_calls", "tool_call_id"})
"""The fields of a message that are read."""


@dataclass(slots=True)
class History:
    """Collects the `system` blocks and the turns for `messages`."""

    note: Note
    system: list[Block] = field(default_factory=list)
    turns: list[Block] = field(default_factory=list)

    def add(self, message: Json) -> None:
        """Add the next message."""
        role = message.get("role")
        if role in _SYSTEM_ROLES:
            self.system += text_blocks(message.get("content"), self.note)
        elif role == "assistant":
            self._add_assistant(message)
        elif role == "tool":
            self._turn("user").append(self._result(message))
        else:
            self._add_user(message.get("content"))

    def finish(self) -> None:
        """Add what is missing for the history to begin and end with the user."""
        if self.turns and self.turns[0]["role"] == "assistant":
            self.note("added a user turn before the first assistant turn")
            self.turns.insert(0, {"role": "user", "content": [text_block(SILENCE)]})
        if not self.turns or self.turns[-1]["role"] == "assistant":
            self.note("added a user turn at the end")
            self._turn("user").append(text_block(SILENCE))

    def _add_user(self, content: object) -> None:
        blocks = list(user_blocks(content, self.note))
        if not blocks:
            self.note(f"sent {SILENCE!r} for an empty user message")
        self._turn("user").extend(blocks or [text_block(SILENCE)])

    def _add_assistant(self, message: Json) -> None:
        blocks = text_blocks(message.get("content") or message.get("refusal"), self.note)
        calls = message.get("tool_calls")
        uses = [_use(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
        if blocks or uses:
            self._turn("assistant").extend([*blocks, *uses])

    def _result(self, message: Json) -> Block:
        result: Block = {"type": "tool_result", "tool_use_id": message.get("tool_call_id")}
        if blocks := list(user_blocks(message.get("content"), self.note)):
            marks = [block.pop("cache_control") for block in blocks if "cache_control" in block]
            result["content"] = blocks
            result |= {"cache_control": marks[-1]} if marks else {}
        return result

    def _turn(self, role: str) -> list[Block]:
        """The blocks of the last turn, a new one where the last has another role."""
        if not self.turns or self.turns[-1]["role"] != role:
            self.turns.append({"role": role, "content": []})
        blocks = self.turns[-1]["content"]
        assert isinstance(blocks, list)  # noqa: S101 - every turn's content is the list made above
        return blocks


def _use(call: Json) -> Block:
    if custom := object_field(call, "custom"):
        inputs: object = {"input": custom.get("input")}
        name = custom.get("name")
    else:
        function = object_field(call, "function")
        name, inputs = function.get("name"), read_json_object(str(function.get("arguments")))
    return {"type": "tool_use", "id": call.get("id"), "name": name, "input": inputs}
