"""Gives the message or delta of a choice OpenAI's shape, wherever a server puts it and whatever types it uses."""

from gateway.domain.json_text import text_field, write_json
from switchboard.stream.media import IMAGE_PARTS, read_audio

type Fields = dict[str, object]

_OTHER = {"delta": "message", "message": "delta"}
_LISTS = ("annotations", "reasoning_details")
ASSISTANT = "assistant"


def find(choice: Fields, part: str, *, has_spoken: bool) -> tuple[Fields, bool]:
    """The choice's object under that name, put there where it is elsewhere; whether the choice was changed.

    A few servers send the whole message as the one event of a stream, `delta` in a document, or `text` (the older
    completions). A whole message after parts of it (MiniMax) says nothing new.
    """
    found = choice.get(part)
    if isinstance(found, dict):
        return found, False
    other, text = choice.pop(_OTHER[part], None), choice.get("text")
    made: Fields = {}
    if isinstance(other, dict) and not has_spoken:
        made = other
    elif isinstance(text, str) and text:
        made = {"content": text}
        del choice["text"]
    choice[part] = made
    return made, True


def tell_role_once(delta: Fields, *, is_told: bool) -> bool:
    """The role in the first delta only: OpenAI's SDKs join the roles of all deltas to one text.

    Gemini, xAI and Fireworks send it with every chunk. Whether the delta was changed.
    """
    if delta["role"] == ASSISTANT and not is_told:
        return False
    if is_told:
        del delta["role"]
    else:
        delta["role"] = ASSISTANT
    return True


def number_entries(delta: Fields, counts: dict[str, int]) -> bool:
    """Number the entries of lists of which clients join all chunks' entries: OpenAI's SDKs raise without an index.

    `counts` are the numbers given so far. Whether the delta was changed.
    """
    changed = False
    for name in _LISTS:
        entries = delta.get(name)
        if not isinstance(entries, list) or all(_is_numbered(entry) for entry in entries):
            continue
        first = counts.get(name, 0)
        delta[name] = [
            {**entry, "index": place} if isinstance(entry, dict) else entry
            for place, entry in enumerate(entries, first)
        ]
        counts[name], changed = first + len(entries), True
    return changed


def _is_numbered(entry: object) -> bool:
    return not isinstance(entry, dict) or type(entry.get("index")) is int


def nest_function(call: Fields) -> bool:
    """Put a name and arguments that are beside the call's type (as in the Responses API) into its function."""
    beside = [name for name in ("name", "arguments") if name in call]
    if not beside or isinstance(call.get("function"), dict) or call.get("type", "function") != "function":
        return False
    call["function"] = {name: call.pop(name) for name in beside}
    return True


def write_arguments(function: Fields) -> bool:
    """Make arguments JSON text: some of Cloudflare's models send the object itself, others null."""
    if "arguments" not in function or isinstance(function["arguments"], str):
        return False
    arguments = function["arguments"]
    function["arguments"] = "" if arguments is None else write_json(arguments).decode()
    return True


def leave_out_empty_audio(message: Fields) -> bool:
    """Leave out audio without sound or words, which some servers send with every answer: strict clients refuse it."""
    if not isinstance(message.get("audio"), dict) or read_audio(message["audio"]) is not None:
        return False
    del message["audio"]
    return True


def flatten(delta: Fields, content: object) -> bool:
    """Split content in parts (as Mistral's reasoning models send it) into text and reasoning."""
    parts = content if isinstance(content, list) else [content]
    if not isinstance(content, list | dict):
        delta["content"] = None
        return True
    delta["content"] = ""
    images = [part for part in parts if isinstance(part, dict) and part.get("type") in IMAGE_PARTS]
    if images:  # where clients look for them: beside the text, as OpenRouter sends them
        found = delta.get("images")
        delta["images"] = (found if isinstance(found, list) else []) + images
    put(delta, _text_of(parts, "thinking"), _text_of(parts, "text"))
    return True


def put(delta: Fields, reasoning: str, text: str) -> None:
    """Add reasoning, and set the text, where there is any."""
    if reasoning:
        before = delta.get("reasoning_content")
        delta["reasoning_content"] = (before if isinstance(before, str) else "") + reasoning
    if text:
        delta["content"] = text


def _text_of(parts: list[object], kind: str) -> str:
    """The parts' text of that kind; a part's `thinking` is a list of text parts, and a string is text."""
    found = [part.get(kind) if isinstance(part, dict) else part for part in parts]
    if kind != "text":
        found = [part.get(kind) for part in parts if isinstance(part, dict)]
    return "".join(
        _texts(inner) if isinstance(inner, list) else inner for inner in found if isinstance(inner, str | list)
    )


def _texts(parts: list[object]) -> str:
    return "".join([text_field(part, "text") for part in parts if isinstance(part, dict)])
