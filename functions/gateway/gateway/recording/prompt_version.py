"""The version of a system prompt: equal for calls whose prompts differ only in what an agent fills in for each call."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256

HEX_DIGITS = 12
"""48 bits, among the few prompts of one task."""
MIN_VARIABLE_CHARACTERS = 3
"""Of a value that is looked for. A shorter one is in ordinary words too."""
MAX_OCCURRENCES = 1000
"""Of one value. One that occurs more often is a word of the prompt, and no variable."""

MAX_REMEMBERED_CHARACTERS = 64 * 1024
"""Versions of longer prompts are not remembered: the prompts would take too much memory."""

_SLICE_CHARACTERS = 64 * 1024
"""What is masked at once: other threads wait meanwhile."""
_MASK = "0"
_NUMBER = re.compile(r"\d\w*(?:[.,:/+\-]\w+)*(?: ?[AaPp]\.?[Mm]\b)?")
"""A number, a date or a time in digits, or the part of an id that begins with a digit."""
_CALENDAR = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def prompt_version(prompt: str, variables: Iterable[str]) -> str:
    """The hash of the prompt in which variables (the call's metadata values), dates and numbers are masked.

    The work grows with the prompt and with the number of variables, whatever they are.
    """
    ordered = tuple(sorted(variables, key=len, reverse=True))  # a value may contain another one
    return (_version if len(prompt) > MAX_REMEMBERED_CHARACTERS else _remembered)(prompt, ordered)


def _version(prompt: str, variables: tuple[str, ...]) -> str:
    for variable in variables:
        prompt = _without(prompt, variable)
    digest = sha256()
    for part in _slices(prompt):
        digest.update(_without_dates_and_numbers(part).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:HEX_DIGITS]


_remembered = lru_cache(maxsize=32)(_version)
"""An agent sends the same prompt with every turn of a conversation."""


def _without(prompt: str, variable: str) -> str:
    """The prompt with a mask for each occurrence of the variable that is not a part of a longer word."""
    if len(variable) < MIN_VARIABLE_CHARACTERS or not 0 < prompt.count(variable) <= MAX_OCCURRENCES:
        return prompt
    before, *others = prompt.split(variable)
    pieces = [before]
    for after in others:
        is_within_word = pieces[-1][-1:].isalnum() or after[:1].isalnum()
        pieces += [variable if is_within_word else _MASK, after]
    return "".join(pieces)


def _without_dates_and_numbers(text: str) -> str:
    for name in _CALENDAR:  # each takes less time than one pattern that knows them all
        text = text.replace(name, _MASK)
    return _NUMBER.sub(_MASK, text)


def _slices(text: str) -> Iterator[str]:
    """The text in parts that end with a line, where the lines are not too long."""
    begin = 0
    while begin < len(text):
        end = begin + _SLICE_CHARACTERS
        if end < len(text):
            end = text.rfind("\n", begin, end) + 1 or end
        yield text[begin:end]
        begin = end
