"""Separates reasoning between tags from the answer's text, wherever the chunks cut the content.

Seen at the beginning of an answer: `<think>` (DeepSeek R1, Qwen and similar models on Cloudflare, Groq with the raw
reasoning format, Together, Fireworks), `<thinking>`, `<thought>` (Gemini's summaries), `<reasoning>`, block after block
(gpt-oss on Bedrock). Chat templates of DeepSeek R1, QwQ and Qwen's thinking models write the opening tag into the
prompt: then the answer begins within the block, and holds only its closing tag.
"""

import re
from enum import Enum, auto

from switchboard.domain.limits import MAX_REASONING_BLOCKS, MAX_UNDECIDED_CHARACTERS

_NAMES = ("think", "thinking", "thought", "reasoning")
_OPENINGS = tuple(f"<{name}>" for name in _NAMES)
_OPENING = re.compile(r"\s*<(think|thinking|thought|reasoning)>")
_CLOSING = re.compile(r"</(?:think|thinking|thought|reasoning)>")
_LONGEST_CLOSING = len("</reasoning>")
_PIECE_CHARACTERS = 4096
_BEGINS_INSIDE = re.compile(r"deepseek-r1|qwq|qwen3.*thinking", re.IGNORECASE)


def begins_inside(model: str) -> bool:
    """Whether the model's chat template opens the block, so that answers may lack the opening tag."""
    return _BEGINS_INSIDE.search(model) is not None


class _State(Enum):
    BEFORE = auto()
    """White space so far, perhaps the beginning of an opening tag."""
    UNDECIDED = auto()
    """No opening tag, from a model that leaves it out: reasoning if a closing tag follows."""
    INSIDE = auto()
    TEXT = auto()


class TaggedReasoning:
    """Separates the reasoning of one choice from its text. Holds back only what could still become a tag.

    For a model that `begins_inside` all content is held back until the closing tag: text that was sent cannot be
    recalled. More than MAX_UNDECIDED_CHARACTERS without one are text, and so is what follows MAX_REASONING_BLOCKS.
    """

    __slots__ = (
        *("_begins_inside", "_blocks", "_closing", "_earlier", "_had_block", "_held", "_is_marked", "_state"),
        "_withheld",
    )

    def __init__(self, *, begins_inside: bool = False) -> None:
        self._begins_inside = begins_inside
        self._state = _State.BEFORE
        self._held = ""
        # What is undecided, without its end, which may be the beginning of a tag and is in `_held`.
        self._earlier: list[str] = []
        self._withheld = 0
        self._closing = ""
        self._blocks = 0
        self._had_block = False
        self._is_marked = False

    @property
    def has_ended(self) -> bool:
        """Whether all content from here on is text."""
        return self._state is _State.TEXT and not self._held

    def has_own_field(self) -> None:
        """The reasoning comes in a field of its own: content is text from its beginning, unless it opens a block."""
        self._begins_inside = False
        if self._state is _State.UNDECIDED:
            self._state, self._held = _State.TEXT, self._release() + self._held

    def split(self, text: str, *, is_thought: bool = False) -> tuple[str, str]:
        """The reasoning and the text in this content and in what was held back before it.

        `is_thought`: the provider marks the content as a thought. Tags around it count; it need not have any.
        """
        if is_thought:
            held = self._enter_marked(text)
            if held is not None:
                return held
        elif self._is_marked and (left := self._leave_marked(text)) is not None:
            return left
        if len(text) <= _PIECE_CHARACTERS:
            return self._split_piece(text)
        pieces = (text[begin : begin + _PIECE_CHARACTERS] for begin in range(0, len(text), _PIECE_CHARACTERS))
        split = [self._split_piece(piece) for piece in pieces]
        return "".join(reasoning for reasoning, _ in split), "".join(text for _, text in split)

    def _split_piece(self, piece: str) -> tuple[str, str]:
        """The reasoning and the text in a piece. Each block in it costs a copy of what follows in the piece."""
        text, self._held = self._held + piece, ""
        reasoning = ""
        while True:
            match self._state:
                case _State.TEXT:
                    return reasoning, text
                case _State.BEFORE:
                    if not self._enter(text):
                        return reasoning, self._withhold(text)
                    text = text[self._past_opening(text) :]
                case _State.INSIDE | _State.UNDECIDED:
                    thought, rest = self._leave(text)
                    reasoning += thought
                    if rest is None:
                        return reasoning, ""
                    text = rest

    def end(self, finish_reason: str | None) -> tuple[str, str]:
        """What was held back, as reasoning and text, when a tool call or the end has come."""
        held, self._held = self._release() + self._held, ""
        if self._state is _State.INSIDE:
            return held, ""
        # Cut off, or followed by a tool call, before its closing tag: all of it is reasoning.
        if self._state is _State.UNDECIDED and finish_reason != "stop":
            return held, ""
        return "", held

    def _enter_marked(self, text: str) -> tuple[str, str] | None:
        """Begin or continue a marked thought; None where it is between tags and is read by these."""
        if self._state is _State.INSIDE and not self._is_marked:
            return None
        self._held = self._release() + self._held
        begun = (self._held + text).lstrip()
        if self._state is not _State.INSIDE and any(
            tag.startswith(begun) or begun.startswith(tag) for tag in _OPENINGS
        ):
            self._state = _State.BEFORE
            return None
        self._state, self._is_marked, self._closing = _State.INSIDE, True, "</thought>"
        text, self._held = self._held + text, ""
        thought, closing, rest = text.partition(self._closing)
        if not closing:
            return thought, ""
        self._is_marked, self._state, self._had_block = False, _State.BEFORE, True
        after = self.split(rest) if rest else ("", "")
        return thought + after[0], after[1]

    def _leave_marked(self, text: str) -> tuple[str, str] | None:
        """End a marked thought without tags at the first content that is not marked; a closing tag there is left out.

        None where the content is read as usual from here on.
        """
        begun = (self._held + text).lstrip()
        if self._closing.startswith(begun) and begun != self._closing:
            self._held += text
            return "", ""
        self._is_marked, self._held, self._had_block = False, "", True
        self._state = _State.BEFORE if begun.startswith(self._closing) else _State.TEXT
        if self._state is _State.TEXT:
            return "", text
        rest = begun.removeprefix(self._closing)
        return self.split(rest) if rest else ("", "")

    def _enter(self, text: str) -> bool:
        """Whether the text decides the next state; it is then set."""
        begun = text.lstrip()
        if not begun or any(tag.startswith(begun) for tag in _OPENINGS):
            return False
        if self._blocks >= MAX_REASONING_BLOCKS:
            self._state = _State.TEXT
        elif (opening := _OPENING.match(text)) is not None:
            self._state, self._closing = _State.INSIDE, f"</{opening[1]}>"
        elif self._begins_inside and not self._had_block:
            self._state = _State.UNDECIDED
        else:
            self._state = _State.TEXT
        return True

    def _past_opening(self, text: str) -> int:
        if self._state is _State.INSIDE:
            return text.index(">") + 1
        return len(text) - len(text.lstrip()) if self._had_block else 0

    def _withhold(self, text: str) -> str:
        """The white space before the text; what may become a tag is held back."""
        begun = text.lstrip()
        self._held = begun
        return "" if self._had_block else text[: len(text) - len(begun)]

    def _leave(self, text: str) -> tuple[str, str | None]:
        """The reasoning in the text, and what follows the block; None while the block is open."""
        if self._state is _State.UNDECIDED:
            closing = _CLOSING.search(text)
            end = closing.span() if closing else None
        else:
            start = text.find(self._closing)
            end = (start, start + len(self._closing)) if start >= 0 else None
        if end is not None:
            self._state, self._had_block, self._blocks = _State.BEFORE, True, self._blocks + 1
            return self._release() + text[: end[0]], text[end[1] :]
        if self._state is _State.UNDECIDED:
            return self._withhold_undecided(text)
        kept = _length_of_beginning(text, self._closing)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept], None

    def _withhold_undecided(self, text: str) -> tuple[str, str | None]:
        """Hold back the text; once there is too much, all of it is text."""
        if self._withheld + len(text) > MAX_UNDECIDED_CHARACTERS:
            self._state = _State.TEXT
            return "", self._release() + text
        self._earlier.append(text[:-_LONGEST_CLOSING])
        self._withheld += len(self._earlier[-1])
        self._held = text[-_LONGEST_CLOSING:]
        return "", None

    def _release(self) -> str:
        """What is undecided, without its end."""
        earlier = "".join(self._earlier)
        self._earlier.clear()
        self._withheld = 0
        return earlier


def _length_of_beginning(text: str, tag: str) -> int:
    """How many of the text's last characters may begin the tag."""
    return next((n for n in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:n])), 0)
