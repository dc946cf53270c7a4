"""The designed differences between what a provider answers and what a caller of the gateway reads, each with a name.

Nothing else may differ.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from testkit.recorded import Exchange
from testkit.recorded_answers import OK, read_answer
from testkit.recorded_reading import Call, Containing, Filled, Perhaps, Reading, Said

type Change = Callable[[Reading, Exchange], Reading]

_PASSED_ON = frozenset({400, 404, 409, 413, 415, 422, 429})
_KEY_REFUSED = frozenset({401, 402, 403})
_NEVER_TAGGED = frozenset({"openai", "azure", "anthropic", "xai", "deepseek"})
_BLOCK = re.compile(r"\s*<(think|thinking|thought|reasoning)>(.*?)(?:</\1>\s*|\Z)", re.DOTALL)
_WORDLESS_ENDINGS = ("length", "content_filter")
_FINISH_REASONS = {"eos": "stop"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One designed difference. `change` makes the expectation of an answer; what it returns unchanged it is not for."""

    name: str
    reason: str
    change: Change


def expectation(exchange: Exchange) -> tuple[Reading, tuple[str, ...]]:
    """What the caller must read of an exchange's answer, and the names of the rules by which it differs from it."""
    reading, names = read_answer(exchange), []
    for rule in RULES:
        changed = rule.change(reading, exchange)
        if changed != reading:
            names.append(rule.name)
        reading = changed
    return reading, tuple(names)


def alternative(expected: Reading) -> Reading:
    """The same where an answer's first words and its error come in one read: then the error is told alone."""
    return Reading(502, expected.error) if expected.status == OK and expected.error else expected


def _refuse(reading: Reading, exchange: Exchange) -> Reading:
    if exchange.status == OK:
        return reading
    status = exchange.status if exchange.status in _PASSED_ON else 502
    return Reading(424 if exchange.status in _KEY_REFUSED else status, Containing(str(reading.error)))


def _report(reading: Reading, exchange: Exchange) -> Reading:
    if exchange.status != OK or not isinstance(reading.error, str):
        return reading
    words = Containing(reading.error)
    return replace(reading, error=words) if _has_words(reading) else Reading(502, words)


def _report_cut(reading: Reading, exchange: Exchange) -> Reading:
    is_ended = b"[DONE]" in exchange.body or b"message_stop" in exchange.body
    is_finished = all(said.finish_reason for said in reading.choices.values())
    if not exchange.streamed or reading.error or is_ended or is_finished or not _has_words(reading):
        return reading
    return replace(reading, error=Filled(str))


def _refuse_emptiness(reading: Reading, exchange: Exchange) -> Reading:
    is_cut = any(said.finish_reason in _WORDLESS_ENDINGS for said in reading.choices.values())
    if exchange.status != OK or reading.error or _has_words(reading) or is_cut:
        return reading
    return Reading(502, Filled(str))


def _hide_chunks(reading: Reading, _exchange: Exchange) -> Reading:
    return replace(reading, aside={})


def _hide_choices(reading: Reading, _exchange: Exchange) -> Reading:
    return _each(reading, lambda said: replace(said, aside={}))


def _use_groqs_usage(reading: Reading, exchange: Exchange) -> Reading:
    extension = reading.around.get("x_groq")
    if exchange.provider != "groq" or reading.usage or not isinstance(extension, dict):
        return reading
    return replace(reading, usage=extension.get("usage"))


def _complete_usage(reading: Reading, _exchange: Exchange) -> Reading:
    usage = reading.usage
    if not isinstance(usage, dict) or usage.get("total_tokens") is not None:
        return reading
    counts = [usage.get("prompt_tokens"), usage.get("completion_tokens")]
    told = [count for count in counts if isinstance(count, int)]
    return replace(reading, usage=usage | {"total_tokens": sum(told)}) if len(told) == len(counts) else reading


def _leave_out_audio(reading: Reading, exchange: Exchange) -> Reading:
    def change(said: Said) -> Said:
        audio = said.message.get("audio")
        if not isinstance(audio, dict) or audio.get("data") or audio.get("transcript"):
            return said
        return replace(said, message={name: value for name, value in said.message.items() if name != "audio"})

    return reading if exchange.streamed else _each(reading, change)


def _number_entries(reading: Reading, exchange: Exchange) -> Reading:
    def number(value: object) -> object:
        if not isinstance(value, list) or all(isinstance(entry, dict) and "index" in entry for entry in value):
            return value
        return [{**entry, "index": place} for place, entry in enumerate(value)]

    def change(said: Said) -> Said:
        lists = {name: number(said.message[name]) for name in _LISTS if name in said.message}
        return replace(said, message=said.message | lists) if lists else said

    return _each(reading, change) if exchange.streamed else reading


def _fill_around(reading: Reading, _exchange: Exchange) -> Reading:
    if not reading.choices:
        return reading
    kinds = {"id": str, "object": str, "created": int, "model": str}
    missing = {name: Filled(kind) for name, kind in kinds.items() if not reading.around.get(name)}
    return replace(reading, around=reading.around | missing)


def _fill_role(reading: Reading, _exchange: Exchange) -> Reading:
    return _each(reading, lambda said: replace(said, role=said.role or Perhaps("assistant")))


def _rename_reasoning(reading: Reading, _exchange: Exchange) -> Reading:
    def change(said: Said) -> Said:
        told = said.message.get("reasoning")
        others = {name: value for name, value in said.message.items() if name != "reasoning"}
        return replace(said, message=others, reasoning_content=said.reasoning_content or told) if told else said

    return _each(reading, change)


def _flatten_parts(reading: Reading, _exchange: Exchange) -> Reading:
    def change(said: Said) -> Said:
        if not said.parts:
            return said
        texts = [part["text"] for part in said.parts if part["type"] == "text"]
        thoughts = [inner["text"] for part in said.parts if part["type"] == "thinking" for inner in part["thinking"]]
        return replace(
            said,
            parts=(),
            text="".join(texts) + (said.text or ""),
            reasoning_content=said.reasoning_content + "".join(thoughts),
        )

    return _each(reading, change)


def _move_tagged(reading: Reading, exchange: Exchange) -> Reading:
    def change(said: Said) -> Said:
        text, thoughts = said.text or "", ""
        while (block := _BLOCK.match(text)) is not None:
            text, thoughts = text[block.end() :], thoughts + block[2]
        if not thoughts:
            return said
        spoken = text or ("" if exchange.streamed else None)
        return replace(said, text=spoken, reasoning_content=said.reasoning_content + thoughts)

    return reading if exchange.provider in _NEVER_TAGGED else _each(reading, change)


def _complete_calls(reading: Reading, _exchange: Exchange) -> Reading:
    return _each_call(reading, lambda call: replace(call, id=call.id or Filled(str), type=call.type or "function"))


def _write_arguments(reading: Reading, _exchange: Exchange) -> Reading:
    return _each_call(reading, lambda call: call if call.arguments or not call.name else replace(call, arguments="{}"))


def _normalise_finish(reading: Reading, exchange: Exchange) -> Reading:
    is_ended = not exchange.streamed or (b"[DONE]" in exchange.body and not reading.error)

    def change(said: Said) -> Said:
        told = said.finish_reason
        if told is None and is_ended:
            return replace(said, finish_reason="tool_calls" if said.calls else "stop")
        return replace(said, finish_reason=_FINISH_REASONS.get(str(told), told))

    return _each(reading, change)


def _finish_with_calls(reading: Reading, exchange: Exchange) -> Reading:
    if exchange.is_native:  # Anthropic says so itself, and `end_turn` where its own servers have run the tools
        return reading

    def change(said: Said) -> Said:
        return replace(said, finish_reason="tool_calls") if said.calls and said.finish_reason == "stop" else said

    return _each(reading, change)


def _has_words(reading: Reading) -> bool:
    """Whether there is anything to speak or act on, or anything else that the caller asked for."""
    return any(_is_said(said) for said in reading.choices.values())


def _is_said(said: Said) -> bool:
    audio, images = said.message.get("audio"), said.message.get("images")
    call = said.message.get("function_call")
    return bool(said.text or said.parts or said.refusal or said.calls or audio or images or call)


def _each(reading: Reading, change: Callable[[Said], Said]) -> Reading:
    return replace(reading, choices={index: change(said) for index, said in reading.choices.items()})


def _each_call(reading: Reading, change: Callable[[Call], Call]) -> Reading:
    return _each(reading, lambda said: replace(said, calls=tuple(map(change, said.calls))))


_LISTS = ("annotations", "reasoning_details")
RULES = (
    Rule(
        "error in our words",
        "An error status says which target failed, and quotes the provider; a refused key is 424, since it is not the "
        "caller's.",
        _refuse,
    ),
    Rule(
        "error inside an answer",
        "Before the first word it is a 502 that quotes the provider; after it, the last event of the stream.",
        _report,
    ),
    Rule("answer cut off", "A stream that ends before its answer does ends with an error event.", _report_cut),
    Rule(
        "chunk without choices hidden",
        "What is neither words nor usage is nothing to a caller.",
        _hide_chunks,
    ),
    Rule(
        "choice without delta hidden",
        "Azure's late filter results say nothing to a caller.",
        _hide_choices,
    ),
    Rule("no answer", "An answer with nothing to speak or act on is a 502.", _refuse_emptiness),
    Rule("Groq's usage made standard", "Usage in `x_groq` is told in its usual place.", _use_groqs_usage),
    Rule("usage completed", "Strict clients need the total of prompt and completion.", _complete_usage),
    Rule("empty audio left out", "Strict clients take audio for whole; servers send it empty.", _leave_out_audio),
    Rule(
        "entries of lists numbered",
        "OpenAI's SDKs join the lists of all chunks, and raise where an entry has no index.",
        _number_entries,
    ),
    Rule("id, model, object or time filled", "Strict clients need them in every chunk.", _fill_around),
    Rule("role filled", "A chunk that is rewritten gets the role that the provider left out.", _fill_role),
    Rule("reasoning under one name", "`reasoning` is told as `reasoning_content`.", _rename_reasoning),
    Rule("content made text", "Mistral's parts become text and `reasoning_content`.", _flatten_parts),
    Rule(
        "reasoning out of the content",
        "A tagged block before the answer is told as `reasoning_content`: content is spoken.",
        _move_tagged,
    ),
    Rule("tool call completed", "A call without an id or a type gets one.", _complete_calls),
    Rule(
        "empty arguments",
        "A call without arguments has the arguments `{}`: clients parse them.",
        _write_arguments,
    ),
    Rule(
        "finish reason normalised",
        "Only OpenAI's own words end an answer, and one of them ends every answer that is complete.",
        _normalise_finish,
    ),
    Rule(
        "tool calls end with their reason",
        "An answer with tool calls that says `stop` ends with `tool_calls`.",
        _finish_with_calls,
    ),
)
