"""Describes what a row refuses in a history, for `docs/providers.md`."""

from collections.abc import Iterable, Iterator

from gateway.providers.histories.refusals import Empty, NameRule, Refusals, always

_EMPTY = {
    Empty.NULL: "Messages whose content is null: the assistant's are left out, the user's become `...`.",
    Empty.BLANK: "Empty messages: the assistant's are left out, the user's become `...`.",
}
_FLAGS = {
    "broken_rounds": "Tool calls without a result get one, late results move to their call, results without a call "
    "become marked text.",
    "loose_arguments": "Arguments of tool calls that are no JSON object are wrapped in one.",
    "functions": "`functions`, `function_call` and role `function` are sent as tools; a caller of `functions` alone "
    "gets `function_call` back.",
    "open_schemas": "Parameters of tools without a type or properties get both.",
    "null_content": "Content that is null becomes an empty string.",
}


def sentences(refuses: Refusals) -> Iterator[str]:
    """One sentence for each repair of a history."""
    yield from (text for name, text in _FLAGS.items() if getattr(refuses, name))
    if refuses.empty in _EMPTY:
        yield _EMPTY[refuses.empty]
    if refuses.foreign_fields:
        further = sorted(refuses.part_fields | refuses.tool_fields)
        kept = f", except {_codes(further)}" if further else ""
        yield f"Fields of tools, calls and parts that OpenAI does not document are left out{kept}."
    if refuses.parts is not None:
        yield f"Parts of a content: {_codes(sorted(refuses.parts))}."
    if refuses.images is not None:
        schemes = _codes(f"{scheme}:" for scheme in sorted(refuses.images.schemes))
        yield f"Images: {_codes(sorted(refuses.images.types))} inline, URLs with {schemes}."
    if refuses.joined_roles:
        yield f"Parts of text are joined to one string for {_codes(sorted(refuses.joined_roles))}."
    yield from _orders(refuses)
    for what, rule in (("tools", refuses.tool_names), ("senders", refuses.sender_names)):
        if rule is not None:
            yield _name(what, rule)
    if refuses.call_ids is not None:
        unique = ", each used once" if refuses.call_ids.are_unique else ""
        yield f"Ids of tool calls match `{refuses.call_ids.taken.pattern}`{unique}."


def _orders(refuses: Refusals) -> Iterator[str]:
    if refuses.later_system is always:
        yield "A system message after a turn is sent as the user's, marked `<system>`, at its place."
    elif refuses.later_system("mistral-7b"):
        yield (
            "For models whose template demands it: one system message first, later ones as the user's, marked "
            "`<system>`; turns of one role are joined."
        )


def _name(what: str, rule: NameRule) -> str:
    first = "" if rule.may_begin_with_digit else ", the first a letter or `_`"
    return f"Names of {what}: at most {rule.longest} characters, none of `{rule.refused.pattern}`{first}."


def _codes(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names) or "none"
