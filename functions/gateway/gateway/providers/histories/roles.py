"""Keeps roles in an order that a provider's chat template takes: instructions first, turns in alternation."""

from gateway.domain.codec import Draft
from gateway.providers.histories.refusals import INSTRUCTIONS
from switchboard.stream.deltas import Json

_ALTERNATING = ("user", "assistant")
_TAG = "system"


def fit_strict_template(body: Draft) -> None:
    """For a template that refuses the order of roles: one system message first, then turns in alternation.

    For models that are not known to have such a template, once a provider has said so.
    """
    mark_later_system(body)
    join_leading_system(body)
    join_neighbours(body)


def mark_later_system(body: Draft) -> None:
    """Sends system messages that come after another turn as the user's, marked, at their place.

    Moved to the front they would change the beginning of the prompt, and nothing after it could be cached.
    """
    first = next((n for n, m in enumerate(body.messages) if m.get("role") not in INSTRUCTIONS), len(body.messages))
    _mark_system_from(body, first, "sent a later system message as marked text of a user turn")


def mark_every_system(body: Draft) -> None:
    """Sends every system message as the user's, marked, at its place."""
    _mark_system_from(body, 0, "sent system messages as marked text of user turns")


def _mark_system_from(body: Draft, first: int, note: str) -> None:
    if any(message.get("role") in INSTRUCTIONS for message in body.messages[first:]):
        marked = [_marked(m) if m.get("role") in INSTRUCTIONS else m for m in body.messages[first:]]
        body.fields["messages"] = body.messages[:first] + [message for message in marked if message is not None]
        body.note(note)


def join_leading_system(body: Draft) -> None:
    """Sends the instructions that the history begins with as one message."""
    count = next((n for n, m in enumerate(body.messages) if m.get("role") not in INSTRUCTIONS), len(body.messages))
    if count > 1:
        contents = [message.get("content") for message in body.messages[:count]]
        body.messages[:count] = [{**body.messages[0], "content": _joined(contents)}]
        body.note("joined the leading system messages")


def join_neighbours(body: Draft) -> None:
    """Sends turns of one role in succession as one turn; an assistant's calls end its turn."""
    runs: list[list[Json]] = []
    for message in body.messages:
        if runs and _may_join(runs[-1][-1], message):
            runs[-1].append(message)
        else:
            runs.append([message])
    if len(runs) < len(body.messages):
        body.fields["messages"] = [run[0] if len(run) == 1 else _one_turn(run) for run in runs]
        body.note("joined neighbours of one role")


def _may_join(before: Json, message: Json) -> bool:
    role = message.get("role")
    return role in _ALTERNATING and before.get("role") == role and not before.get("tool_calls")


def _one_turn(run: list[Json]) -> Json:
    contents = [message["content"] for message in run if message.get("content")]
    turn = {name: value for message in run for name, value in message.items()}
    return turn | {"content": _joined(contents) if contents else run[0].get("content")}


def _joined(contents: list[object]) -> object:
    if all(isinstance(content, str) for content in contents):
        return "\n".join(str(content) for content in contents)
    return [part for content in contents for part in _parts(content)]


def _parts(content: object) -> list[object]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if isinstance(content, str) else []


def _marked(message: Json) -> Json | None:
    """The user's turn with the instructions' text between tags; None where there is no text."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    text = "\n".join(text for text in texts if isinstance(text, str) and text.strip())
    return {"role": "user", "content": f"<{_TAG}>\n{text}\n</{_TAG}>"} if text else None
