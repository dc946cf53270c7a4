"""Repairs one choice of an answer to OpenAI's documented shape: reasoning, finish reasons, tool calls."""

from dataclasses import dataclass

from gateway.domain.codec import AnswerContext
from gateway.domain.json_text import object_field
from gateway.providers.chat_completions import finish_reasons
from gateway.providers.chat_completions.message_shapes import (
    ASSISTANT,
    find,
    flatten,
    leave_out_empty_audio,
    number_entries,
    put,
    tell_role_once,
    write_arguments,
)
from gateway.providers.chat_completions.reasoning_fields import is_thought, move_thought, rename_reasoning
from gateway.providers.chat_completions.reasoning_state import ReasoningKept
from gateway.providers.chat_completions.thinking import TaggedReasoning, begins_inside
from gateway.providers.chat_completions.tool_call_numbers import FURTHER_CALLS, ToolCallNumbers
from switchboard.domain.limits import MAX_TOOL_CALLS, clipped
from switchboard.stream.deltas import FAILED_REASONS

type Fields = dict[str, object]

_PLAIN = frozenset({"content", "role"})
_TEXT = frozenset({"content"})
_CUT = frozenset({"length", "content_filter"})
"""Finish reasons of answers that are not complete: a tool call without arguments may have been about to get some."""


@dataclass(frozen=True, slots=True)
class AnswerQuirks:
    """What a provider's answers may hold, from its row: see `Provider`."""

    may_tag_reasoning: bool
    signs_tool_calls: bool
    reasoning_field: str = ""


class ChoiceRepair:
    """Repairs one choice, chunk by chunk; a complete chunk stays as it is."""

    __slots__ = (
        *("_has_begun", "_has_ended", "_has_function_call", "_has_role", "_has_spoken"),
        *("_entries", "_is_cut", "_kept", "_numbers", "_part", "_reasoning"),
        *("late_parts", "note"),
    )

    def __init__(self, context: AnswerContext, quirks: AnswerQuirks, part: str) -> None:
        self._part = part
        self._reasoning = (
            TaggedReasoning(begins_inside=begins_inside(context.model)) if quirks.may_tag_reasoning else None
        )
        self._numbers = ToolCallNumbers(context, signed=quirks.signs_tool_calls)
        self._kept = ReasoningKept(context, quirks.reasoning_field) if quirks.reasoning_field else None
        self._has_begun = self._has_function_call = self._is_cut = False
        self._has_ended = self._has_role = self._has_spoken = False
        self._entries: dict[str, int] = {}
        self.late_parts: list[Fields] = []
        self.note = ""

    def repair(self, choice: Fields) -> bool:
        """Change the choice in place; whether anything was changed.

        `note` is what the trace records of it. `late_parts` are parts of tool calls that must be sent before the chunk.
        """
        if self._is_text_alone(choice):  # nearly every chunk
            return False
        delta, changed = self._delta_of(choice)
        reason = choice.get("finish_reason")
        if reason or "finish_reason" not in choice or reason == "":
            changed |= self._repair_reason(choice, reason)
        content, calls = delta.get("content"), delta.get("tool_calls")
        if content is not None and not isinstance(content, str):
            changed |= flatten(delta, content)
        if "reasoning" in delta:
            changed |= rename_reasoning(delta)
        self._has_spoken = self._has_spoken or bool(content or calls)
        if self._part == "message":
            changed |= _complete(choice, delta, calls)
        else:
            changed |= self._fit_delta(delta)
        is_ending = bool(calls or choice["finish_reason"])
        if self._reasoning is not None and (is_ending or delta.get("content") or "reasoning_content" in delta):
            changed |= self._separate(self._reasoning, delta, choice, is_ending=is_ending)
        elif self._reasoning is None and is_thought(delta, self._part):
            changed |= move_thought(delta)
        if is_ending or "function_call" in delta:
            changed |= self._repair_calls(choice, delta, calls)
        if choice["finish_reason"]:
            self._has_ended = True
            self._remember()
        self._begin(delta, changed=changed)
        return changed

    def _is_text_alone(self, choice: Fields) -> bool:
        """Whether the chunk is a part of the text as OpenAI sends it, to which nothing below has anything to do."""
        delta = choice.get(self._part)
        if not (isinstance(delta, dict) and delta.keys() == _TEXT and isinstance(delta["content"], str)):
            return False
        if choice.get("finish_reason", "") is not None or self._part != "delta":
            return False
        if self._reasoning is not None and not self._reasoning.has_ended:
            return False
        self._has_spoken, self._has_begun = self._has_spoken or bool(delta["content"]), True
        return True

    def held_back(self, finish_reason: str | None) -> Fields:
        """The delta for text that is still held back at the end of the stream; empty where there is none."""
        delta: Fields = {}
        if self._reasoning is not None:
            put(delta, *self._reasoning.end(finish_reason))
        if finish_reason is not None and not self._is_cut:
            _, late_parts = self._numbers.end(None, streamed=True)
            if late_parts:
                delta["tool_calls"] = late_parts
        return delta

    def missing_reason(self) -> str | None:
        """The finish reason of an answer that ended without one; None where it was sent."""
        if self._has_ended:
            return None
        self._has_ended = True
        if self._numbers:
            return "tool_calls"
        return "function_call" if self._has_function_call else "stop"

    def _leave_out(self, calls: list[object]) -> bool:
        """Leave out the calls beyond those that are read; whether there are any."""
        if len(calls) <= MAX_TOOL_CALLS:
            return False
        del calls[MAX_TOOL_CALLS:]
        self.note = FURTHER_CALLS
        return True

    def _delta_of(self, choice: Fields) -> tuple[Fields, bool]:
        delta, changed = find(choice, self._part, has_spoken=self._has_spoken)
        if self._kept is not None:
            self._kept.collect(delta)
        return delta, changed

    def _fit_delta(self, delta: Fields) -> bool:
        """Fit what clients join over all chunks: the role, and lists."""
        changed = False
        if "role" in delta:
            changed = tell_role_once(delta, is_told=self._has_role)
            self._has_role = True
        if not delta.keys() <= _PLAIN:
            changed |= number_entries(delta, self._entries)
        return changed

    def _begin(self, delta: Fields, *, changed: bool) -> None:
        if changed and not self._has_begun:
            # Strict clients want a role in the first chunk. An event is not rewritten for that alone.
            delta.setdefault("role", ASSISTANT)
            self._has_role = True
        self._has_begun = True

    def _remember(self) -> None:
        """Keep the reasoning that led to tool calls for the conversation's next turn."""
        if self._kept is not None and (call_id := self._numbers.first_id) is not None:
            self._kept.remember(call_id)

    def _end(self, choice: Fields, calls: object) -> bool:
        """Give tool calls their finish reason, and arguments to those without; whether the choice was changed."""
        reason = choice["finish_reason"]
        self._is_cut = reason in _CUT
        if self._is_cut or not (self._numbers or self._has_function_call):
            return False
        changed, self.late_parts = self._numbers.end(calls, streamed=self._part == "delta")
        if changed or self.late_parts:
            self.note = "gave a tool call without arguments {}"
        if reason == "stop" and self._numbers:  # OpenAI itself ends a function_call that was asked for so
            choice["finish_reason"] = "tool_calls"
            self.note = "finish reason 'stop' became 'tool_calls'"
            changed = True
        return changed

    def _repair_calls(self, choice: Fields, delta: Fields, calls: object) -> bool:
        changed = False
        if calls and isinstance(calls, list):
            changed = self._leave_out(calls)
            changed |= self._numbers.repair(calls, streamed=self._part == "delta")
        elif function := object_field(delta, "function_call"):
            self._has_function_call = True
            changed = write_arguments(function)
        return self._end(choice, calls) or changed if choice["finish_reason"] else changed

    def _repair_reason(self, choice: Fields, reason: object) -> bool:
        if not isinstance(reason, str) or not reason:
            choice["finish_reason"] = None
            return True
        if reason in finish_reasons.KNOWN or reason in FAILED_REASONS:
            return False
        choice["finish_reason"] = finish_reasons.normal(reason)
        self.note = f"finish reason {clipped(reason, 40)!r} became {choice['finish_reason']!r}"
        return True

    def _separate(self, tagged: TaggedReasoning, delta: Fields, choice: Fields, *, is_ending: bool) -> bool:
        """Take the reasoning, and text that could become a tag, out of the content."""
        if delta.get("reasoning_content"):
            tagged.has_own_field()
        content = delta.get("content")
        content = content if isinstance(content, str) else ""
        if tagged.has_ended and "extra_content" not in delta:
            return False
        marked = is_thought(delta, self._part)
        reasoning, text = tagged.split(content, is_thought=marked) if content else ("", "")
        if is_ending:
            finish_reason = choice["finish_reason"]
            held = tagged.end(finish_reason if isinstance(finish_reason, str) else None)
            reasoning, text = reasoning + held[0], text + held[1]
        if text == content and not reasoning:
            return False
        if reasoning:
            self.note = "moved reasoning out of the content"
        delta["content"] = None if self._part == "message" and not text else ""
        put(delta, reasoning, text)
        return True


def _complete(choice: Fields, message: Fields, calls: object) -> bool:
    """Give a whole answer its role and finish reason, if either is missing."""
    is_complete = message.get("role") == ASSISTANT and bool(choice["finish_reason"])
    message["role"] = ASSISTANT
    choice["finish_reason"] = choice["finish_reason"] or ("tool_calls" if calls else "stop")
    return leave_out_empty_audio(message) or not is_complete
