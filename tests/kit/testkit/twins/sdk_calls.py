"""What the real SDKs ask every twin, and what they must make of the answers."""

import json

from testkit.twins.dialect import Json
from testkit.twins.reply import Reply, ToolUse, says

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
TALK = "Grüß Gott."
ACT = "Please look for an appointment."


def reply_to(body: Json) -> Reply:
    """Tools where an appointment is asked for, else words."""
    asked = json.dumps(body["messages"][-1], ensure_ascii=False)
    return Reply(tools=TOOLS, thoughts=THOUGHTS) if ACT in asked else Reply(says(SPOKEN).words, thoughts=THOUGHTS)
