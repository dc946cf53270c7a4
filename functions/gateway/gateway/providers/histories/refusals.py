"""What a provider refuses in a history: data of its row, from which the repairs follow."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

INSTRUCTIONS = ("system", "developer")  # not a set: a role may be of any type, hashable or not

type OfModel = Callable[[str], bool]
"""Whether it applies to a model, by the model's name."""


class Empty(Enum):
    """Which contents without anything in them are refused."""

    NONE = "none"
    NULL = "null"
    """Null, absent, or an empty list."""
    BLANK = "blank"
    """Those, and text of nothing but white space."""


@dataclass(frozen=True, slots=True)
class NameRule:
    """Which names are taken: the characters that are refused, the most characters, and whether a digit may be first."""

    refused: re.Pattern[str] = re.compile("[^a-zA-Z0-9_-]")
    longest: int = 64
    may_begin_with_digit: bool = True


@dataclass(frozen=True, slots=True)
class IdRule:
    """Which ids of tool calls are taken, and what is sent for any other.

    `are_unique`: whether an id may be used by one call of the history only.
    """

    taken: re.Pattern[str]
    fit: Callable[[str], str]
    are_unique: bool = False


@dataclass(frozen=True, slots=True)
class ImageRule:
    """Which images are taken: the media types of those sent inline, and the schemes of the others' URLs."""

    types: frozenset[str] = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
    schemes: frozenset[str] = frozenset({"http", "https"})


def _never(_model: str) -> bool:
    return False


def always(_model: str) -> bool:
    """Whatever the model."""
    return True


@dataclass(frozen=True, slots=True)
class Refusals:
    """What a provider refuses. The defaults are those of a server of which nothing is known.

    `broken_rounds`: a tool call without its result, and a result without its call. `empty`: which messages are empty.
    `loose_arguments`: arguments that are no JSON object. `functions`: the older `function_call` and role `function`.
    `open_schemas`: a tool whose parameters are no object with properties. `foreign_fields`: fields of tools and parts
    that it does not document; `part_fields` and `tool_fields` are taken beside OpenAI's. `parts`: the types of parts
    that are taken, None for any; `media_roles`: the roles that may hold other parts than text, None for any;
    `images`: which images. `joined_roles`: the roles whose parts of text must be one string; `null_content`: content
    that is null. `later_system`: a system message after a turn; `second_system`: one after another; `any_system`:
    every one. `neighbours`: two turns of one role in succession. `tool_names`, `sender_names`, `call_ids`: rules for
    names and ids.
    """

    broken_rounds: bool = True
    empty: Empty = Empty.NONE
    loose_arguments: bool = True
    functions: bool = False
    open_schemas: bool = False
    foreign_fields: bool = False
    part_fields: frozenset[str] = frozenset()
    tool_fields: frozenset[str] = frozenset()
    parts: frozenset[str] | None = None
    media_roles: frozenset[str] | None = None
    images: ImageRule | None = None
    joined_roles: frozenset[str] = frozenset()
    null_content: bool = False
    later_system: OfModel = _never
    second_system: OfModel = _never
    any_system: OfModel = _never
    neighbours: OfModel = _never
    tool_names: NameRule | None = None
    sender_names: NameRule | None = None
    call_ids: IdRule | None = None


def hashed(prefix: str, characters: int) -> Callable[[str], str]:
    """A function that replaces a text by a prefix and hexadecimal digits, the same for the same text everywhere."""

    def fit(text: str) -> str:
        return (prefix + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())[:characters]

    return fit
