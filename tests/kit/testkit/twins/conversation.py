"""A recorded ElevenLabs conversation of twelve turns: what the agent adds to the history, what the model replies."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from testkit.twins.dialect import Json
from testkit.twins.received import ReceivedAnswer
from testkit.twins.reply import Reply, ToolUse, text_reply

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("elevenlabs_conversation.json").read_text())


def scripted(turn: Json, *, thought: str = "") -> Reply:
    """The model's reply in a turn, with reasoning before it."""
    reply = text_reply(turn["reply"]["text"]) if "text" in turn["reply"] else Reply()
    tools = tuple(ToolUse(name, json.dumps(arguments)) for name, arguments in turn["reply"].get("tools", ()))
    return Reply(words=reply.words, thoughts=(thought,) if thought else (), tools=tools)


def added(turn: Json, received: ReceivedAnswer | None) -> Iterator[Json]:
    """The messages that ElevenLabs adds in a turn; a tool's result names a call of the answer received before."""
    for message in turn["adds"]:
        if "tool" in message:
            assert received is not None
            call_id = received.tools[message["tool"]].call_id
            yield {"role": "tool", "tool_call_id": call_id, "content": message["content"]}
        else:
            yield message
