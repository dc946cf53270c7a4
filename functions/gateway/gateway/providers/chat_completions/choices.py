"""Repairs one choice of an answer to OpenAI's documented shape: reasoning, finish reasons, tool calls."""

from dataclasses import dataclass

from gateway.domain.codec import AnswerContext
from gateway.domain.json_text import object_field
from gateway.providers.chat_completions import finish_reasons
from gateway.providers.chat_completions.reasoning_state import ReasoningKept
from gateway.providers.chat_completions.thinking import TaggedReasoning, begins_inside
from gateway.providers.chat_completions.tool_call_numbers import ToolCallNumbers
from switchboard.stream.deltas import FAILED_REASONS

type Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class AnswerQuirks:
    """What a provider's answers may hold, from its row: see `Provider`."""

    may_tag_reasoning: bool
    signs_tool_calls: bool
    reasoning_field: str = ""


class ChoiceRepair:
    """Repairs one choice, chunk by chunk; a complete chunk stays as it is."""

    __slots__ = ("_has_begun", "_kept", "_numbers", "_part", "_reasoning", "note")

    def __init__(self, context: AnswerContext, quirks: AnswerQuirks, part: str) -> None:
        self._part = part
        self._reasoning = (
            TaggedReasoning(begins_inside=begins_inside(context.model)) if quirks.may_tag_reasoning else None
        )
        self._numbers = ToolCallNumbers(context, signed=quirks.signs_tool_calls)
        self._kept = ReasoningKept(context, quirks.reasoning_field) if quirks.reasoning_field else None
        self._has_begun = False
        self.note = ""

    def repair(self, choice: Fields) -> bool:
        """Change the choice in place; whether anything was changed. `note` is what the trace records of it."""
        delta, changed = self._delta_of(choice)
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
        if self._reasoning is not None and (is_ending or delta.get("content")):
            changed |= self._separate(self._reasoning, delta, choice, is_ending=is_ending)
        if calls and isinstance(calls, list):
            changed |= self._numbers.repair(calls, streamed=self._part == "delta")
        if choice["finish_reason"]:
            self._remember()
        if changed and not self._has_begun:
            # Strict clients want a role in the first chunk. An event is not rewritten for that alone.
            delta.setdefault("role", "assistant")
        self._has_begun = True
        return changed

    def held_back(self, finish_reason: str | None) -> Fields:
        """The delta for text that is still held back at the end of the stream; empty where there is none."""
        self._remember()
        delta: Fields = {}
        if self._reasoning is not None:
            _put(delta, *self._reasoning.end(finish_reason))
        return delta

    def _delta_of(self, choice: Fields) -> tuple[Fields, bool]:
        delta = choice.get(self._part)
        if not isinstance(delta, dict):
            delta = choice[self._part] = {}
            return delta, True
        if self._kept is not None:
            self._kept.collect(delta)
        return delta, False

    def _remember(self) -> None:
        """Keep the reasoning that led to tool calls for the conversation's next turn."""
        if self._kept is not None and (call_id := self._numbers.first_id) is not None:
            self._kept.remember(call_id)

    def _repair_reason(self, choice: Fields, reason: object) -> bool:
        if not isinstance(reason, str) or not reason:
            choice["finish_reason"] = None
            return True
        if reason in finish_reasons.KNOWN or reason in FAILED_REASONS:
            return False
        choice["finish_reason"] = finish_reasons.normal(reason)
        self.note = f"finish reason {reason[:40]!r} became {choice['finish_reason']!r}"
        return True

    def _separate(self, tagged: TaggedReasoning, delta: Fields, choice: Fields, *, is_ending: bool) -> bool:
        """Take the reasoning, and text that could become a tag, out of the content."""
        content = delta.get("content")
        content = content if isinstance(content, str) else ""
        if tagged.has_ended:
            return False
        reasoning, text = tagged.split(content) if content else ("", "")
        if is_ending:
            finish_reason = choice["finish_reason"]
            held = tagged.end(finish_reason if isinstance(finish_reason, str) else None)
            reasoning, text = reasoning + held[0], text + held[1]
        if text == content and not reasoning:
            return False
        if reasoning:
            self.note = "moved reasoning out of the content"
        delta["content"] = None if self._part == "message" and not text else ""
        _put(delta, reasoning, text)
        return True


def _complete(choice: Fields, message: Fields, calls: object) -> bool:
    """Give a whole answer its role and finish reason, if either is missing."""
    is_complete = bool(message.get("role") and choice["finish_reason"])
    message["role"] = message.get("role") or "assistant"
    choice["finish_reason"] = choice["finish_reason"] or ("tool_calls" if calls else "stop")
    return not is_complete


def _put(delta: Fields, reasoning: str, text: str) -> None:
    if reasoning:
        before = delta.get("reasoning_content")
        delta["reasoning_content"] = (before if isinstance(before, str) else "") + reasoning
    if text:
        delta["content"] = text


def _flatten(delta: Fields, content: object) -> bool:
    """Split content in parts (as Mistral's reasoning models send it) into text and reasoning."""
    if not isinstance(content, list):
        delta["content"] = None
        return True
    delta["content"] = ""
    _put(delta, _text_of(content, "thinking"), _text_of(content, "text"))
    return True


def _text_of(parts: list[object], kind: str) -> str:
    found = [part.get(kind) for part in parts if isinstance(part, dict)]
    return "".join([_text_of(inner, "text") if isinstance(inner, list) else str(inner or "") for inner in found])


def _move_reasoning(delta: Fields) -> bool:
    """Rename `reasoning` (OpenRouter, Groq, Cerebras, Together); move content that Gemini marks as a thought."""
    changed = False
    reasoning = delta.get("reasoning")
    if isinstance(reasoning, str) and reasoning:
        del delta["reasoning"]
        if not delta.get("reasoning_content"):
            delta["reasoning_content"] = reasoning
        changed = True
    content = delta.get("content")
    if isinstance(content, str) and content and _is_thought(delta):
        delta["content"] = ""
        _put(delta, content, "")
        changed = True
    return changed


def _is_thought(delta: Fields) -> bool:
    return object_field(object_field(delta, "extra_content"), "google").get("thought") is True
