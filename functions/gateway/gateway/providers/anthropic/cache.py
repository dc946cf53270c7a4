"""Marks a request for Anthropic's prompt cache.

A mark caches everything before it: tools, then system, then messages. An agent's tools and system prompt are the same
on every turn, and so is the history up to the end of the last exchange. The newest turn is not marked: its write would
be paid for, and a silence or a correction makes it useless. Marks below a model's minimum length have no effect.
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
