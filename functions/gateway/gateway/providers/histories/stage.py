"""Runs the repairs of a history that follow from what a provider refuses."""

from gateway.domain.codec import Draft
from gateway.providers.histories import (
    call_ids,
    calls,
    contents,
    empty,
    functions,
    media,
    names,
    nested,
    roles,
    rounds,
    shapes,
    tool_shapes,
)
from gateway.providers.histories.refusals import INSTRUCTIONS, Empty, Refusals
from switchboard.stream.deltas import Json

_TURN = ("role", "content")
_SPEAKERS = (*INSTRUCTIONS, "user", "assistant")  # not a set: a role may be of any type, hashable or not


def fit_history(body: Draft, refuses: Refusals, taken_in_messages: frozenset[str] | None) -> None:
    """Change the messages, the tools and their choice so that the provider takes them, with a note for each change.

    `taken_in_messages` are the fields of messages that are sent on, None for all. Raises BodyMalformed for a part of
    the last user turn that cannot be sent. The work grows with the size of the body alone.
    """
    if all(map(_is_plain, body.messages)):  # most histories: their messages are looked at once instead of ten times
        _fit_around_messages(body, refuses)
        return
    shapes.fit_shapes(body)
    tool_shapes.fit_tool_shapes(body)
    empty.leave_out_empty_fields(body)
    empty.leave_out_empty_lists(body)
    has_parts = any(type(message.get("content")) is list for message in body.messages)
    if has_parts:
        media.fit_parts(body, refuses)
    if refuses.functions:
        functions.send_functions_as_tools(body)
    if taken_in_messages is not None:
        nested.keep_message_fields(body, taken_in_messages)
    if refuses.foreign_fields and has_parts:
        nested.keep_part_fields(body, refuses.part_fields)
    nested.keep_tool_fields(body, refuses)
    _fit_calls(body, refuses)
    _fit_turns(body, refuses)


def _is_plain(message: Json) -> bool:
    """Whether it is a turn with words and nothing else, as every provider takes it."""
    content = message.get("content")
    return type(content) is str and not (
        not content or content.isspace() or len(message) > len(_TURN) or message.get("role") not in _SPEAKERS
    )


def _fit_around_messages(body: Draft, refuses: Refusals) -> None:
    """The repairs of what is beside the messages, and of their order."""
    tool_shapes.fit_tool_shapes(body)
    empty.leave_out_empty_fields(body)
    if refuses.functions:
        functions.send_functions_as_tools(body)
    nested.keep_tool_fields(body, refuses)
    if refuses.tool_names is not None:
        names.fit_tool_names(body, refuses.tool_names)
    _fit_order(body, refuses)


def _fit_calls(body: Draft, refuses: Refusals) -> None:
    calls.complete_calls(body, wrap=refuses.loose_arguments)
    if refuses.broken_rounds:
        rounds.complete_rounds(body)
    if refuses.call_ids is not None:
        call_ids.fit_call_ids(body, refuses.call_ids)
    if refuses.tool_names is not None:
        names.fit_tool_names(body, refuses.tool_names)
    if refuses.sender_names is not None:
        names.fit_sender_names(body, refuses.sender_names)


def _fit_turns(body: Draft, refuses: Refusals) -> None:
    if refuses.empty is not Empty.NONE:
        empty.leave_out_empty_messages(body, refuses.empty)
    if refuses.joined_roles:
        contents.join_texts(body, refuses.joined_roles, null_as_text=refuses.null_content)
    _fit_order(body, refuses)


def _fit_order(body: Draft, refuses: Refusals) -> None:
    if refuses.any_system(body.model):
        roles.mark_every_system(body)
    elif refuses.later_system(body.model):
        roles.mark_later_system(body)
    if refuses.second_system(body.model):
        roles.join_leading_system(body)
    if refuses.neighbours(body.model):
        roles.join_neighbours(body)
