"""The calls that the real SDKs send to every twin, and the answers that they must read."""

import json

from testkit.twins.dialect import Json
from testkit.twins.reply import Reply, ToolUse, text_reply

SPOKEN = "Grüß Gott, 世界 👋, wie geht es?"
THOUGHTS = ("She greets me. ", "I greet back.")
TOOLS = (
    ToolUse("find_appointment", '{"day": "2026-11-23"}'),
    ToolUse("language_detection", '{"reason": "greeting", "language": "de"}'),
)
CALLS = [{"name": tool.name, "arguments": json.loads(tool.arguments)} for tool in TOOLS]
DEFINITIONS = [
    {
        "type": "function",
        "function": {
            "name": tool.name,
            "strict": True,
            "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
        },
    }
    for tool in TOOLS
]
ASK_FOR_TEXT = "Grüß Gott."
ASK_FOR_TOOLS = "Please look for an appointment."


def reply_to(body: Json) -> Reply:
    """Tool calls where an appointment is asked for, else text."""
    last = json.dumps(body["messages"][-1], ensure_ascii=False)
    if ASK_FOR_TOOLS in last:
        return Reply(tools=TOOLS, thoughts=THOUGHTS)
    return Reply(text_reply(SPOKEN).words, thoughts=THOUGHTS)
