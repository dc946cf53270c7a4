"""Sends parts of text as one string, where a provider takes nothing else."""

from gateway.domain.codec import Draft


def join_texts(body: Draft, roles: frozenset[str], *, null_as_text: bool) -> None:
    """Send a content that holds nothing but text as a string; with `null_as_text`, one that is null as an empty one."""
    for position, message in enumerate(body.messages):
        content = message.get("content")
        if type(content) is str or message.get("role") not in roles:
            continue
        joined = "" if null_as_text and not isinstance(content, list) else _joined(content)
        if joined is not None:
            body.messages[position] = {**message, "content": joined}
            body.note("made contents plain text")


def _joined(content: object) -> str | None:
    """The texts joined by newlines; None where there is something else."""
    if not isinstance(content, list):
        return None
    texts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return "\n".join(str(text) for text in texts) if all(isinstance(text, str) for text in texts) else None
