"""What a trace gets from its call's content, by level of capture, and without secrets."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.call import Call, Capture
from gateway.domain.redaction import Redactor
from gateway.domain.redaction_kinds import DEFAULT, redactor
from gateway.domain.secret import Scrubber, Secret
from gateway.recording.kept_content import KeptContent
from gateway.recording.prompt import WORDS_CHARACTERS
from switchboard.domain.trace import Bodies, Trace
from testkit.planning import a_call
from testkit.samples import an_open_trace

KEY = "sk-canary-7f3a91c2-0123456789"
SYSTEM = {"role": "system", "content": "You are Anna."}
ASKED = {"role": "user", "content": "Do you have a table?"}


def call_with(*messages: dict[str, Any], capture: Capture = Capture.FULL) -> Call:
    call = a_call()
    return replace(call, chat=replace(call.chat, messages=messages), labels=replace(call.labels, capture=capture))


def kept(*messages: dict[str, Any], capture: Capture = Capture.FULL) -> Trace:
    """The trace of a call with these messages."""
    content = KeptContent.of(call_with(*messages, capture=capture), Scrubber([Secret(KEY)]), Redactor())
    return replace(content.trace(an_open_trace()), prompt_characters=content.prompt.characters)


def test_the_excerpt_is_of_the_users_last_message() -> None:
    earlier = {"role": "user", "content": "Hello?"}
    tool = {"role": "tool", "content": "14:00", "tool_call_id": "1"}
    assert kept(SYSTEM, earlier, {"role": "assistant", "content": "Yes?"}, ASKED, tool).excerpt == ASKED["content"]


def test_the_excerpt_has_80_characters_and_the_text_of_parts_alone() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    parts = [{"type": "text", "text": "\u4f60" * 50}, image, {"type": "text", "text": "b" * 50}]
    assert kept({"role": "user", "content": parts}).excerpt == "\u4f60" * 50 + "\n" + "b" * 29


@pytest.mark.parametrize("content", [None, "", [], [{"type": "image_url"}], 7])
def test_a_message_without_text_has_no_excerpt(content: object) -> None:
    assert kept({"role": "user", "content": content}).excerpt is None


@pytest.mark.parametrize(
    "before", ["", "x" * 70, "x" * 79, "x" * (WORDS_CHARACTERS - 12), "x" * (WORDS_CHARACTERS + 1)]
)
def test_no_secret_is_in_the_excerpt_nor_its_beginning(before: str) -> None:
    excerpt = kept({"role": "user", "content": f"{before}{KEY} {KEY}"}).excerpt
    assert excerpt is not None
    assert "sk-c" not in excerpt
    assert excerpt == f"{before}*** ***"[:80]


@pytest.mark.parametrize("cut", range(1, 20))
def test_no_beginning_of_what_is_redacted_is_in_the_excerpt_after_a_long_key(cut: int) -> None:
    key = f"-----BEGIN PRIVATE KEY-----\n{'A' * (WORDS_CHARACTERS - 55 - cut)}\n-----END PRIVATE KEY-----"
    words = {"role": "user", "content": f"{key} 4111 1111 1111 1111, please"}
    content = KeptContent.of(call_with(words), Scrubber(), redactor(DEFAULT, {}))
    assert content.prompt.words.endswith("4111 1111 1111 1111, please"[:cut])
    assert "4" not in (content.trace(an_open_trace()).excerpt or "")


def test_a_secret_at_the_end_of_what_is_kept_in_memory_is_removed_in_part() -> None:
    content = KeptContent.of(
        call_with({"role": "user", "content": "x" * (WORDS_CHARACTERS - 9) + KEY}), Scrubber([Secret(KEY)]), Redactor()
    )
    assert content.prompt.words.endswith(KEY[:9])
    assert content.prompt.has_more_words
    assert "sk-" not in content.scrubber.text(content.prompt.words, is_cut=True)


@pytest.mark.parametrize(
    ("capture", "has_excerpt", "has_version"),
    [(Capture.FULL, True, True), (Capture.METADATA, False, True), (Capture.NONE, False, False)],
)
def test_what_is_kept_below_full(capture: Capture, *, has_excerpt: bool, has_version: bool) -> None:
    trace = kept(SYSTEM, ASKED, capture=capture)
    assert (trace.excerpt is not None, trace.prompt_version is not None) == (has_excerpt, has_version)
    assert trace.prompt_characters == len(SYSTEM["content"])


def test_the_prompt_is_what_stands_before_the_conversation() -> None:
    developer = {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]}
    later = {"role": "system", "content": "The caller is in a hurry."}
    usual = kept(SYSTEM, developer, ASKED)
    assert usual.prompt_characters == 22
    assert kept(SYSTEM, developer, ASKED, later).prompt_version == usual.prompt_version
    assert kept(SYSTEM, ASKED).prompt_version != usual.prompt_version
    assert (kept(ASKED).prompt_version, kept(ASKED).prompt_characters) == (None, None)


def test_the_metadata_of_the_trace_are_the_prompts_variables() -> None:
    def version(caller: str) -> str | None:
        trace = replace(an_open_trace(), metadata={"caller-name": caller})
        prompt = {"role": "system", "content": f"You speak with {caller}."}
        return KeptContent.of(call_with(prompt), Scrubber(), Redactor()).trace(trace).prompt_version

    assert version("Anna Braun") == version("Lea")


def test_bodies_lose_their_secrets() -> None:
    content = KeptContent.of(call_with(ASKED), Scrubber([Secret(KEY)]), Redactor())
    assert content.bodies(Bodies(f"a {KEY}".encode(), b"b")) == (Bodies(b"a ***", b"b"), {})


def test_bodies_and_excerpt_are_redacted_and_the_bodies_tell_how_often() -> None:
    card = "4111 1111 1111 1111"
    asked = {"role": "user", "content": "x" * 60 + f" {card} is mine"}
    content = KeptContent.of(call_with(asked), Scrubber(), redactor(DEFAULT, {}))
    trace = content.trace(an_open_trace())
    assert trace.excerpt == "x" * 60 + " [redacted: card] is"
    assert trace.redacted == {}
    assert content.bodies(Bodies(f'{{"a": "{card}"}}'.encode(), card.encode())) == (
        Bodies(b'{"a": "[redacted: card]"}', b"[redacted: card]"),
        {"card": 2},
    )
