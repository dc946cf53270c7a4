"""Keeps the reasoning of answers that called tools, and puts it back into the history where the provider wants it.

OpenRouter returns `reasoning_details` (Gemini 3 behind it answers 400 to tool calls without them); DeepSeek, Moonshot
and Fireworks take back `reasoning_content`, and the first two answer 400 without it. Callers that keep only OpenAI's
fields lose both.
https://openrouter.ai/docs/use-cases/reasoning-tokens · https://api-docs.deepseek.com/guides/thinking_mode
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.codec import AnswerContext, Draft, Memory
from gateway.domain.json_text import read_json, write_json
from gateway.providers.chat_completions.history_fingerprint import call_ids, calls_with_history, fingerprint
from gateway.providers.chat_completions.rounds_as_text import RoundsAsText
from gateway.providers.chat_completions.signatures import SKIP_VALIDATOR, wants_signatures
from switchboard.domain.limits import MAX_REASONING_CHARACTERS
from switchboard.stream.deltas import Json
from switchboard.stream.sizes import size_of

DETAILS = "reasoning_details"
CONTENT = "reasoning_content"
_JOINED = ("text", "summary", "data")
_PIECES = 1000
"""Shorter pieces of text than these are joined, because each takes memory of its own."""
MAX_REMEMBERED_ENDS = 16
"""Some providers put a finish reason into every chunk; each may end the state that is remembered."""


@dataclass(frozen=True, slots=True)
class ReasoningField:
    """The message field in which a provider wants reasoning back.

    `is_wanted`: whether the request's model wants it. `replace_lost`: what is sent for messages whose state is lost, as
    another process had it.
    """

    name: str
    is_wanted: Callable[[Draft], bool] = lambda _body: True
    replace_lost: Callable[[Draft], None] = lambda _body: None

    def put_back(self, body: Draft, memory: Memory) -> None:
        """Put the state into each message with tool calls that comes without it."""
        if not self.is_wanted(body):
            return
        for position, message, history in calls_with_history(body.messages):
            if message.get(self.name) is None and (state := self._recall(memory, message, history)) is not None:
                body.messages[position] = {**message, self.name: state}
                body.note(f"put back {self.name}")
        self.replace_lost(body)

    def _recall(self, memory: Memory, message: Json, history: str) -> object:
        found = (memory.recall(f"{self.name}:{call_id}", history) for call_id in call_ids(message))
        kept = next((value for value in found if value is not None), None)
        return None if kept is None else read_json(kept)


class ReasoningKept:
    """Collects the state of one streamed or whole choice, and remembers it at the choice's end.

    A state of more than MAX_REASONING_CHARACTERS is not kept: it is lost, as one is that another process had.
    """

    __slots__ = ("_context", "_details", "_ends", "_field", "_history", "_room", "_texts")

    def __init__(self, context: AnswerContext, field: str) -> None:
        self._context = context
        self._field = field
        self._texts: list[str] = []
        self._details: list[dict[str, object]] = []
        self._room = MAX_REASONING_CHARACTERS
        self._ends = 0
        self._history = ""

    def collect(self, delta: Json) -> None:
        """Add what a chunk, or a whole message, has of the state."""
        value = delta.get(self._field)
        if value is None or self._room < 0:
            return
        if isinstance(value, str):
            self._room -= len(value)
            self._texts.append(value)
            if len(self._texts) > _PIECES:
                self._texts = ["".join(self._texts)]
        elif isinstance(value, list):
            for detail in value:
                if self._room < 0:
                    break
                if isinstance(detail, dict):
                    self._add(detail)
        if self._room < 0:
            self._texts, self._details = [], []

    def remember(self, first_call_id: str) -> None:
        """Keep the state under the first tool call of the answer."""
        self._ends += 1
        if self._room < 0 or self._ends > MAX_REMEMBERED_ENDS:
            return
        state: object = self._details if self._field == DETAILS else "".join(self._texts)
        if state or self._texts:  # DeepSeek wants an empty text back too
            self._history = self._history or fingerprint(self._context.messages)
            value = write_json(state).decode()
            self._context.memory.remember(f"{self._field}:{first_call_id}", value, self._history)

    def _add(self, detail: dict[str, object]) -> None:
        """Join the parts of one text: they come one after another with the same type and index."""
        last = self._details[-1] if self._details else {}
        if not (detail.get("type") == last.get("type") == "reasoning.text" and _index(detail) == _index(last)):
            self._room -= size_of(detail)
            if self._room >= 0:
                self._details.append(dict(detail))
            return
        for name, value in detail.items():
            before = last.get(name)
            if name in _JOINED and isinstance(value, str) and isinstance(before, str):
                self._room -= len(value)
                last[name] = before + value
            elif value is not None:
                last[name] = value


def skip_lost_signatures(body: Draft) -> None:
    """Asks Gemini 3 not to validate tool calls whose state is lost."""
    for position, message, _history in calls_with_history(body.messages):
        ids = call_ids(message)
        if message.get(DETAILS) or not ids or not wants_signatures(body.model):
            continue
        detail = {"type": "reasoning.encrypted", "data": SKIP_VALIDATOR, "id": ids[0], "format": "google-gemini-v1"}
        body.messages[position] = {**message, DETAILS: [detail | {"index": 0}]}
        body.note("a thought signature was lost: asked not to validate it")


OF_OPENROUTER = ReasoningField(DETAILS, replace_lost=skip_lost_signatures)


def send_back_text(
    is_wanted: Callable[[Draft], bool] = lambda _body: True,
    is_required: Callable[[Draft], bool] = lambda _body: False,
) -> ReasoningField:
    """Reasoning that is sent back as `reasoning_content`; where it is required, a round without it is sent as text."""
    as_text = RoundsAsText((CONTENT,))
    return ReasoningField(CONTENT, is_wanted, lambda body: as_text(body) if is_required(body) else None)


def _index(detail: Json) -> object:
    return detail.get("index")
