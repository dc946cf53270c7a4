"""A conversation of twelve turns as an ElevenLabs agent holds it: what it adds to the history, what the model says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from testkit.twins.dialect import Json
from testkit.twins.heard import Heard
from testkit.twins.reply import Reply, ToolUse, says

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("elevenlabs_conversation.json").read_text())


def scripted(turn: Json, *, thought: str = "") -> Reply:
    """What the model says in a turn, and thinks before, where its provider lets it."""
    reply = says(turn["reply"]["text"]) if "text" in turn["reply"] else Reply()
    tools = tuple(ToolUse(name, json.dumps(arguments)) for name, arguments in turn["reply"].get("tools", ()))
    return Reply(words=reply.words, thoughts=(thought,) if thought else (), tools=tools)


def added(turn: Json, heard: Heard | None) -> Iterator[Json]:
    """What ElevenLabs adds to the history in a turn; a tool's result names the call that was heard."""
    for message in turn["adds"]:
        if "tool" in message:
            assert heard is not None
            call_id = heard.tools[message["tool"]].call_id
            yield {"role": "tool", "tool_call_id": call_id, "content": message["content"]}
        else:
            yield message
