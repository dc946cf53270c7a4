"""One choice of an answer, as OpenAI documents it: reasoning out of the content, known finish reasons."""

from dataclasses import dataclass

from gateway.domain.codec import AnswerContext
from gateway.providers.chat_completions import finish_reasons
from gateway.providers.chat_completions.thinking import Thinking, begins_inside
from gateway.providers.chat_completions.tool_call_numbers import ToolCallNumbers
from switchboard.stream.deltas import FAILED_REASONS

type Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class AnswerQuirks:
    """What a provider's answers may hold: see its row."""

    thinks_aloud: bool
    signs_tool_calls: bool


class ChoiceRepair:
    """Repairs one choice, chunk by chunk. Where nothing is wrong it only looks."""

    __slots__ = ("_has_begun", "_numbers", "_part", "_thinking", "note")

    def __init__(self, asked: AnswerContext, quirks: AnswerQuirks, part: str) -> None:
        self._part = part
        self._thinking = Thinking(begins_inside=begins_inside(asked.model)) if quirks.thinks_aloud else None
        self._numbers = ToolCallNumbers(asked.answer_id, asked.memory if quirks.signs_tool_calls else None)
        self._has_begun = False
        self.note = ""

    def repair(self, choice: Fields) -> bool:
        """Change the choice in place; whether anything was changed. `note` then says what the trace should know."""
        delta = choice.get(self._part)
        changed = False
        if not isinstance(delta, dict):
            delta, changed = {}, True
            choice[self._part] = delta
        reason = choice.get("finish_reason")
        if reason or "finish_reason" not in choice or reason == "":
            changed |= self._repair_reason(choice, reason)
        content = delta.get("content")
        if content is not None and not isinstance(content, str):
            changed |= _flatten(delta, content)
        if "reasoning" in delta or "extra_content" in delta:
            changed |= _move_reasoning(delta)
        calls = delta.get("tool_calls")
        if self._part == "message":
            changed |= _complete(choice, delta, calls)
        is_ending = bool(calls or choice["finish_reason"])
        if self._thinking is not None and (is_ending or delta.get("content")):
            changed |= self._separate(self._thinking, delta, choice, is_ending=is_ending)
        if calls and isinstance(calls, list):
            changed |= self._numbers.repair(calls, streamed=self._part == "delta")
        if changed and not self._has_begun:
            # Strict clients want a role at the beginning. For its sake alone no event is rewritten: others do without.
            delta.setdefault("role", "assistant")
        self._has_begun = True
        return changed

    def rest(self, finish_reason: str | None) -> Fields:
        """What was held back when the answer ended without a word: the delta of one more chunk, or nothing."""
        delta: Fields = {}
        if self._thinking is not None:
            _say(delta, *self._thinking.end(finish_reason))
        return delta

    def _repair_reason(self, choice: Fields, reason: object) -> bool:
        if not isinstance(reason, str) or not reason:
            choice["finish_reason"] = None
            return True
        if reason in finish_reasons.KNOWN or reason in FAILED_REASONS:
            return False
        choice["finish_reason"] = finish_reasons.normal(reason)
        self.note = f"finish reason {reason[:40]!r} became {choice['finish_reason']!r}"
        return True

    def _separate(self, thinking: Thinking, delta: Fields, choice: Fields, *, is_ending: bool) -> bool:
        """Take the reasoning, and what could become a tag, out of the content."""
        content = delta.get("content")
        content = content if isinstance(content, str) else ""
        if thinking.is_speaking:
            return False
        reasoning, speech = thinking.split(content) if content else ("", "")
        if is_ending:
            finish_reason = choice["finish_reason"]
            held = thinking.end(finish_reason if isinstance(finish_reason, str) else None)
            reasoning, speech = reasoning + held[0], speech + held[1]
        if speech == content and not reasoning:
            return False
        if reasoning:
            self.note = "moved reasoning out of the content"
        delta["content"] = None if self._part == "message" and not speech else ""
        _say(delta, reasoning, speech)
        return True


def _complete(choice: Fields, message: Fields, calls: object) -> bool:
    """A whole answer has a role and an end; unlike a chunk it can leave neither to another."""
    is_complete = bool(message.get("role") and choice["finish_reason"])
    message["role"] = message.get("role") or "assistant"
    choice["finish_reason"] = choice["finish_reason"] or ("tool_calls" if calls else "stop")
    return not is_complete


def _say(delta: Fields, reasoning: str, speech: str) -> None:
    if reasoning:
        before = delta.get("reasoning_content")
        delta["reasoning_content"] = (before if isinstance(before, str) else "") + reasoning
    if speech:
        delta["content"] = speech


def _flatten(delta: Fields, content: object) -> bool:
    """Content in parts (Mistral's reasoning models send thinking and text apart) becomes text and reasoning."""
    if not isinstance(content, list):
        delta["content"] = None
        return True
    delta["content"] = ""
    _say(delta, _text_of(content, "thinking"), _text_of(content, "text"))
    return True


def _text_of(parts: list[object], kind: str) -> str:
    found = [part.get(kind) for part in parts if isinstance(part, dict)]
    return "".join([_text_of(inner, "text") if isinstance(inner, list) else str(inner or "") for inner in found])


def _move_reasoning(delta: Fields) -> bool:
    """Reasoning under another name (OpenRouter, Groq, Cerebras, Together), or marked as a thought by Gemini."""
    changed = False
    reasoning = delta.get("reasoning")
    if isinstance(reasoning, str) and reasoning:
        del delta["reasoning"]
        if not delta.get("reasoning_content"):
            delta["reasoning_content"] = reasoning
        changed = True
    content = delta.get("content")
    if isinstance(content, str) and content and _is_thought(delta.get("extra_content")):
        delta["content"] = ""
        _say(delta, content, "")
        changed = True
    return changed


def _is_thought(extra: object) -> bool:
    google = extra.get("google") if isinstance(extra, dict) else None
    return isinstance(google, dict) and google.get("thought") is True
