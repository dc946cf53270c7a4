"""Sends names in the form that a provider takes: of tools, the same everywhere in a request; of senders."""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from gateway.domain.codec import Draft
from gateway.providers.histories.refusals import NameRule
from switchboard.stream.deltas import Json

_HASH_CHARACTERS = 8
_UNNAMED = "unnamed"


def sent_tool_names(fields: Mapping[str, object], messages: Iterable[Json], rule: NameRule) -> dict[str, str]:
    """The name that is sent for each of the request's tool names that is not taken as it is.

    Two names never become one. The same names give the same mapping, in any order.
    """
    given = {*_defined(fields), *_called(messages)}
    refused = {name for name in given if not _is_taken(name, rule)}
    if not refused:
        return {}
    wanted = {name: _fitted(name, rule) for name in refused}
    taken = given - refused
    counts: dict[str, int] = {}
    for name in wanted.values():
        counts[name] = counts.get(name, 0) + 1
    sent: dict[str, str] = {}
    for name in sorted(refused):
        found = wanted[name]
        sent[name] = found if counts[found] == 1 and found not in taken else _with_hash(name, found, taken, rule)
        taken.add(sent[name])
    return sent


def given_tool_names(fields: Mapping[str, object], messages: Iterable[Json], rule: NameRule) -> dict[str, str]:
    """The caller's name of each defined tool that is sent under another: for reading the answer."""
    defined = set(_defined(fields))
    if all(_is_taken(name, rule) for name in defined):
        return {}
    return {sent: given for given, sent in sent_tool_names(fields, messages, rule).items() if given in defined}


def fit_tool_names(body: Draft, rule: NameRule) -> None:
    """Replace tool names in definitions, the choice and the history."""
    names = sent_tool_names(body.fields, body.messages, rule)
    if not names:
        return
    body.note("sent tool names in the form that is taken")
    for name in ("tools", "functions"):
        if isinstance(tools := body.fields.get(name), list):
            body.fields[name] = [_renamed(tool, names) for tool in tools]
    for name in ("tool_choice", "function_call"):
        if name in body.fields:
            body.fields[name] = _renamed_choice(body.fields[name], names)
    for position, message in enumerate(body.messages):
        if len(message) > 2:  # noqa: PLR2004 - more than a role and a content
            body.messages[position] = _renamed_message(message, names, rule)


def fit_sender_names(body: Draft, rule: NameRule) -> None:
    """Replace names of messages' senders; one of which nothing remains is left out."""
    for position, message in enumerate(body.messages):
        if "name" not in message or message.get("role") in ("tool", "function"):
            continue
        name = message["name"]
        if isinstance(name, str) and _is_taken(name, rule):
            continue
        others = {field: value for field, value in message.items() if field != "name"}
        fitted = _plain(name, rule) if isinstance(name, str) else ""
        body.messages[position] = others | ({"name": fitted} if fitted else {})
        body.note("sent names of messages in the form that is taken" if fitted else "left out messages[].name")


def _is_taken(name: str, rule: NameRule) -> bool:
    return (
        0 < len(name) <= rule.longest
        and rule.refused.search(name) is None
        and (rule.may_begin_with_digit or name[0].isalpha() or name[0] == "_")
    )


def _fitted(name: str, rule: NameRule) -> str:
    fitted = rule.refused.sub("_", name[: rule.longest]) or _UNNAMED
    if not (rule.may_begin_with_digit or fitted[0].isalpha() or fitted[0] == "_"):
        fitted = f"_{fitted}"
    return fitted[: rule.longest]


def _with_hash(name: str, fitted: str, taken: set[str], rule: NameRule) -> str:
    digits = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    for length in range(_HASH_CHARACTERS, len(digits) + 1):
        unique = f"{fitted[: max(1, rule.longest - length - 1)]}_{digits[:length]}"[: rule.longest]
        if unique not in taken:
            return unique
    return fitted


def _plain(name: str, rule: NameRule) -> str:
    """José M. as Jose_M; empty where no letter or digit remains."""
    letters = unicodedata.normalize("NFKD", name[: 4 * rule.longest]).encode("ascii", "ignore").decode()
    return rule.refused.sub("_", letters).strip("_")[: rule.longest]


def _defined(fields: Mapping[str, object]) -> Iterator[str]:
    for field in ("tools", "functions"):
        tools = fields.get(field)
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and (name := _holder(tool).get("name")) and isinstance(name, str):
                yield name


def _called(messages: Iterable[Json]) -> Iterator[str]:
    for message in messages:
        if len(message) > 2:  # noqa: PLR2004 - only a role and a content: no name
            for holder in _holders(message):
                if isinstance(name := holder.get("name"), str) and name:
                    yield name


def _holders(message: Json) -> Iterator[Json]:
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            yield _holder(call)
    if not calls and isinstance(function := message.get("function_call"), dict):
        yield function


def _holder(tool: Json) -> Json:
    """The object inside a tool or call that has its name; of an older function, itself."""
    inside = tool.get("function", tool.get("custom", tool))
    return inside if isinstance(inside, dict) else {}


def _renamed_message(message: Json, names: Mapping[str, str], rule: NameRule) -> Json:
    changed: dict[str, object] = {}
    if isinstance(calls := message.get("tool_calls"), list):
        changed["tool_calls"] = [_renamed(call, names) for call in calls]
    if "function_call" in message:
        changed["function_call"] = _renamed(message["function_call"], names)
    if message.get("role") in ("tool", "function") and isinstance(name := message.get("name"), str):
        changed["name"] = names.get(name) or _fitted(name, rule)
    return {**message, **changed} if changed else message


def _renamed(holder: object, names: Mapping[str, str]) -> object:
    if not isinstance(holder, dict):
        return holder
    for field in ("function", "custom"):
        if isinstance(inside := holder.get(field), dict):
            return {**holder, field: _renamed(inside, names)}
    name = holder.get("name")
    return {**holder, "name": names[name]} if isinstance(name, str) and name in names else holder


def _renamed_choice(choice: object, names: Mapping[str, str]) -> object:
    if not isinstance(choice, dict):
        return choice
    allowed = choice.get("allowed_tools")
    if isinstance(allowed, dict) and isinstance(tools := allowed.get("tools"), list):
        return {**choice, "allowed_tools": {**allowed, "tools": [_renamed(tool, names) for tool in tools]}}
    return _renamed(choice, names)
