"""Marks a request for Anthropic's prompt cache.

A mark caches everything before it: tools, then system, then messages. An agent's tools and system prompt are the same
on every turn, and so is the history up to the end of the last exchange. The newest turn is not marked: its write would
be paid for, and a silence or a correction makes it useless. Marks below a model's minimum length have no effect.

The caller's own marks stay; of more than four the last are kept. A mark for an hour may not follow one for five
minutes, so none is added before it.
https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from collections.abc import Iterator, Mapping

from gateway.providers.anthropic.content import Block

EPHEMERAL = {"type": "ephemeral"}
MOST_MARKS = 4
_MARK = "cache_control"
_HOUR = "1h"


def mark(fields: dict[str, object]) -> None:
    """Mark the last tool, the last system block and the end of the last earlier turn: three marks, of four allowed."""
    blocks = list(_blocks(fields))
    given = [place for place, block in enumerate(blocks) if _MARK in block]
    for place in given[:-MOST_MARKS]:
        del blocks[place][_MARK]
    given = given[-MOST_MARKS:]
    first = max((place + 1 for place in given if _is_for_an_hour(blocks[place])), default=0)
    wanted = {id(block) for block in _wanted(fields)}
    free = [place for place in range(first, len(blocks)) if id(blocks[place]) in wanted and _MARK not in blocks[place]]
    for place in free[-(MOST_MARKS - len(given)) :] if len(given) < MOST_MARKS else ():
        blocks[place][_MARK] = EPHEMERAL


def _wanted(fields: Mapping[str, object]) -> Iterator[Block]:
    turns = fields.get("messages")
    earlier = turns[-2].get("content") if isinstance(turns, list) and len(turns) > 1 else None
    for found in (fields.get("tools"), fields.get("system"), earlier):
        if isinstance(found, list) and found:
            yield found[-1]


def _blocks(fields: Mapping[str, object]) -> Iterator[Block]:
    """Every block that may be marked, in the order in which they are cached."""
    turns = fields.get("messages")
    contents = [turn.get("content") for turn in turns] if isinstance(turns, list) else []
    for found in (fields.get("tools"), fields.get("system"), *contents):
        yield from found if isinstance(found, list) else ()


def _is_for_an_hour(block: Block) -> bool:
    given = block[_MARK]
    return isinstance(given, dict) and given.get("ttl") == _HOUR
