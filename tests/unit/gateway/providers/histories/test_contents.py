from typing import Any

import pytest

from gateway.domain.codec import Draft
from gateway.providers.histories.contents import join_texts
from gateway.providers.histories.rules import EVERY_ROLE

TEXTS = [{"type": "text", "text": "Hello,"}, {"type": "text", "text": "Ada."}]
IMAGE = {"type": "image_url", "image_url": {"url": "https://x"}}


def joined(message: dict[str, Any], *, null_as_text: bool = False) -> dict[str, Any]:
    body = Draft("m", {"model": "m", "messages": [message]})
    join_texts(body, EVERY_ROLE, null_as_text=null_as_text)
    (sent,) = body.messages
    assert bool(body.notes) is (sent != message)
    return dict(sent)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hi.", "Hi."),
        ([], ""),
        (TEXTS, "Hello,\nAda."),
        (["Hello,", TEXTS[1]], "Hello,\nAda."),
        ([IMAGE, TEXTS[0]], [IMAGE, TEXTS[0]]),
        (None, None),
    ],
)
def test_a_content_of_texts_is_made_a_string(content: object, text: object) -> None:
    assert joined({"role": "user", "content": content}) == {"role": "user", "content": text}


def test_null_is_made_a_string_where_it_is_refused() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "end_call", "arguments": "{}"}}
    message = {"role": "assistant", "tool_calls": [call]}
    assert joined(message, null_as_text=True) == message | {"content": ""}
