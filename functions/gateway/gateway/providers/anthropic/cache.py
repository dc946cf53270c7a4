"""Where a request is marked for Anthropic's prompt cache.

A mark caches everything before it: tools, then system, then messages. Tools and system prompt are the same on every
turn of an agent; the history up to the end of the last exchange is the same on the next. A mark on the newest turn
would pay for a write that a silence or a correction makes worthless. Marks below a model's least length do nothing.
https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from collections.abc import Mapping

from gateway.providers.anthropic.content import Block

EPHEMERAL = {"type": "ephemeral"}


def mark(fields: dict[str, object]) -> None:
    """Mark the last tool, the last system block and the end of the last earlier turn: three marks, of four allowed."""
    _mark_last(fields.get("tools"))
    _mark_last(fields.get("system"))
    turns = fields.get("messages")
    if isinstance(turns, list) and len(turns) > 1 and isinstance(turns[-2], Mapping):
        _mark_last(turns[-2].get("content"))


def _mark_last(blocks: object) -> None:
    if isinstance(blocks, list) and blocks:
        last: Block = blocks[-1]
        blocks[-1] = last | {"cache_control": EPHEMERAL}
