"""Rules that refuse histories: lists, parts, names, ids, roles and arguments, for the twins' rows."""

import itertools
import json
import re
from collections.abc import Callable, Iterator

from testkit.twins.dialect import Json, Refusal, Rule
from testkit.twins.rules import RefuseField

_INSTEAD_OF_CONTENT = ("tool_calls", "function_call", "refusal", "audio")
_SYSTEM = {"system", "developer"}
_DATA_URL = re.compile(r"data:(image/[a-z]+);base64,.+")


def no_empty_lists(refuse: RefuseField) -> Rule:
    """Refuse an empty list as a field of the request, of a message or of a part, as OpenAI does."""

    def rule(body: Json) -> Refusal | None:
        for place, holder in _holders(body):
            for name, value in holder.items():
                if value == [] and name not in {"messages", "metadata"}:
                    return refuse(f"{place}{name}")
        return None

    return rule


def no_empty_messages(refuse: RefuseField, *, also_blank: bool) -> Rule:
    """Refuse null content of a message without tool calls; with `also_blank`, text of nothing but white space."""

    def rule(body: Json) -> Refusal | None:
        for number, message in enumerate(body["messages"]):
            content = message.get("content")
            is_blank = isinstance(content, str) and not content.strip() and also_blank
            if (content is None or is_blank) and not any(
                map(message.get, ("tool_calls", "function_call", "refusal", "audio"))
            ):
                return refuse(f"messages.{number}.content")
        return None

    return rule


def strings_only(roles: frozenset[str], refuse: RefuseField) -> Rule:
    """Refuse a content in parts in messages of these roles."""

    def rule(body: Json) -> Refusal | None:
        for number, message in enumerate(body["messages"]):
            if message["role"] in roles and isinstance(message.get("content"), list):
                return refuse(f"messages.{number}.content")
        return None

    return rule


def only_nested_fields(refuse: RefuseField, *, further: frozenset[str] = frozenset()) -> Rule:
    """Refuse fields of tools, functions, calls and parts that are not OpenAI's nor among these."""
    calls = {"id", "type", "function", "custom", "index"} | further

    def rule(body: Json) -> Refusal | None:
        for number, tool in enumerate(body.get("tools") or ()):
            for name in tool.keys() - {"type", "function", "custom"} - further:
                return refuse(f"tools.{number}.{name}")
            for name in tool.get("function", {}).keys() - {"name", "description", "parameters", "strict"}:
                return refuse(f"tools.{number}.function.{name}")
        for number, message in enumerate(body["messages"]):
            for position, call in enumerate(message.get("tool_calls") or ()):
                for name in call.keys() - calls:
                    return refuse(f"messages.{number}.tool_calls.{position}.{name}")
            for position, part in enumerate(_parts(message)):
                for name in part.keys() - {"type", part["type"]} - further:
                    return refuse(f"messages.{number}.content.{position}.{name}")
        return None

    return rule


def only_parts(kinds: frozenset[str], refuse: RefuseField) -> Rule:
    """Refuse parts of another type, and other parts than text beside the user's messages."""

    def rule(body: Json) -> Refusal | None:
        for number, message in enumerate(body["messages"]):
            for position, part in enumerate(_parts(message)):
                is_own = part["type"] in {"text", "refusal", "thinking"} or message["role"] in {"user", "tool"}
                if part["type"] not in kinds or not is_own:
                    return refuse(f"messages.{number}.content.{position}")
        return None

    return rule


def images_are(types: frozenset[str], refuse: RefuseField) -> Rule:
    """Refuse inline images of another media type, or whose data URL has another form; and URLs that are not HTTP."""

    def rule(body: Json) -> Refusal | None:
        for number, message in enumerate(body["messages"]):
            for position, part in enumerate(_parts(message)):
                url = part["image_url"]["url"] if part["type"] == "image_url" else "https://"
                found = _DATA_URL.fullmatch(url)
                if not url.startswith(("http://", "https://")) and (found is None or found[1] not in types):
                    return refuse(f"messages.{number}.content.{position}.image_url.url")
        return None

    return rule


def names_like(pattern: str, refuse: RefuseField, *, senders: str | None = None) -> Rule:
    """Refuse names of tools, and of messages' senders, that do not match."""

    def rule(body: Json) -> Refusal | None:
        for place, name in _tool_names(body):
            if not re.fullmatch(pattern, str(name)):
                return refuse(place)
        for number, message in enumerate(body["messages"]):
            if senders and message["role"] != "tool" and not re.fullmatch(senders, message.get("name", "x")):
                return refuse(f"messages.{number}.name")
        return None

    return rule


def chosen_tool_is_defined(refuse: RefuseField) -> Rule:
    """Refuse a choice of a tool that is not defined, and two tools of one name."""

    def rule(body: Json) -> Refusal | None:
        defined = [tool["function"]["name"] for tool in body.get("tools") or () if "function" in tool]
        choice = body.get("tool_choice")
        if isinstance(choice, dict) and choice["function"]["name"] not in defined:
            return refuse("tool_choice")
        return refuse("tools") if len(set(defined)) < len(defined) else None

    return rule


def ids_within(longest: int, refuse: Callable[[str], Refusal]) -> Rule:
    """Refuse tool-call ids that are empty or longer; `refuse` takes the id."""

    def rule(body: Json) -> Refusal | None:
        for message in body["messages"]:
            ids = [call.get("id") for call in message.get("tool_calls") or ()]
            for call_id in [*ids, *([message["tool_call_id"]] if "tool_call_id" in message else [])]:
                if not call_id or len(call_id) > longest:
                    return refuse(str(call_id))
        return None

    return rule


def no_functions(refuse: RefuseField) -> Rule:
    """Refuse the older function calls."""

    def rule(body: Json) -> Refusal | None:
        for number, message in enumerate(body["messages"]):
            if message["role"] == "function" or "function_call" in message:
                return refuse(f"messages.{number}")
        return next((refuse(name) for name in ("functions", "function_call") if name in body), None)

    return rule


def arguments_are_objects(refuse: RefuseField) -> Rule:
    """Refuse arguments of a call in the history that are no JSON object, as a server that parses them does."""

    def rule(body: Json) -> Refusal | None:
        for number, message in enumerate(body["messages"]):
            for position, call in enumerate(message.get("tool_calls") or ()):
                try:
                    is_object = isinstance(json.loads(call["function"]["arguments"]), dict)
                except (ValueError, TypeError):
                    is_object = False
                if not is_object:
                    return refuse(f"messages.{number}.tool_calls.{position}.function.arguments")
        return None

    return rule


def schemas_are_objects(refuse: RefuseField) -> Rule:
    """Refuse parameters of a tool that are no object with properties."""

    def rule(body: Json) -> Refusal | None:
        for number, tool in enumerate(body.get("tools") or ()):
            parameters = tool.get("function", {}).get("parameters")
            if parameters is not None and not (parameters.get("type") == "object" and "properties" in parameters):
                return refuse(f"tools.{number}.function.parameters")
        return None

    return rule


def one_system_first(refusal: Refusal, applies: Callable[[str], bool]) -> Rule:
    """Refuse a system message that is not the first message, where the model's template does."""

    def rule(body: Json) -> Refusal | None:
        is_later = any(message["role"] in _SYSTEM for message in body["messages"][1:])
        return refusal if is_later and applies(body["model"]) else None

    return rule


def alternating(refusal: Refusal, applies: Callable[[str], bool]) -> Rule:
    """Refuse two turns of one role in succession, where the model's template does."""

    def rule(body: Json) -> Refusal | None:
        roles = [message["role"] for message in body["messages"] if message["role"] != "tool"]
        pairs = itertools.pairwise(roles)
        return refusal if applies(body["model"]) and any(one == other == "user" for one, other in pairs) else None

    return rule


def _holders(body: Json) -> Iterator[tuple[str, Json]]:
    yield "", body
    for number, message in enumerate(body["messages"]):
        yield f"messages.{number}.", message
        for position, part in enumerate(_parts(message)):
            yield f"messages.{number}.content.{position}.", part


def _parts(message: Json) -> list[Json]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _tool_names(body: Json) -> Iterator[tuple[str, object]]:
    for number, tool in enumerate(body.get("tools") or ()):
        if "function" in tool:
            yield f"tools.{number}.function.name", tool["function"].get("name")
    for number, message in enumerate(body["messages"]):
        for position, call in enumerate(message.get("tool_calls") or ()):
            yield f"messages.{number}.tool_calls.{position}.function.name", call["function"].get("name")
