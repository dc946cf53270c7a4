"""Reasoning between tags in the content: told from speech, however it is cut."""

import pytest

from gateway.providers.chat_completions.thinking import Thinking, begins_inside


def heard(pieces: list[str], *, inside: bool = False, finish_reason: str | None = "stop") -> tuple[str, str]:
    """All of the reasoning, and all of the speech."""
    thinking = Thinking(begins_inside=inside)
    parts = [thinking.split(piece) for piece in pieces] + [thinking.end(finish_reason)]
    return "".join(reasoning for reasoning, _ in parts), "".join(speech for _, speech in parts)


@pytest.mark.parametrize(
    ("text", "reasoning", "speech"),
    [
        ("<think>Hm.</think>Yes.", "Hm.", "Yes."),
        ("<think>\nHm.\n</think>\n\nYes.", "\nHm.\n", "Yes."),
        ("\n<think></think>\n\nYes.", "", "\nYes."),
        ("<thinking>Hm, <b>1</b> < 2.</thinking>Yes.", "Hm, <b>1</b> < 2.", "Yes."),
        ("<thought>Plan</thought>Yes.", "Plan", "Yes."),
        ("<reasoning>One.</reasoning><reasoning> Two.</reasoning>Yes.", "One. Two.", "Yes."),
        ("<think>Is </thinking> a tag?</think>No.", "Is </thinking> a tag?", "No."),
        ("<think>never closed", "never closed", ""),
        ("Say <think> aloud.</think>", "", "Say <think> aloud.</think>"),
        ("<thin ice>", "", "<thin ice>"),
        ("<thin", "", "<thin"),
        ("<", "", "<"),
        ("</think>Yes.", "", "</think>Yes."),
        ("  Yes.", "", "  Yes."),
        ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
        ("", "", ""),
    ],
)
def test_however_it_is_cut_the_reasoning_is_told_from_the_speech(text: str, reasoning: str, speech: str) -> None:
    expected = reasoning, speech
    for pieces in [[text], list(text), *([text[:cut], text[cut:]] for cut in range(len(text)))]:
        said = heard(pieces)
        assert (said[0], said[1].strip()) == (expected[0], expected[1].strip())


@pytest.mark.parametrize(
    ("text", "finish_reason", "reasoning", "speech"),
    [
        ("Okay, so.\n</think>\n\nYes.", "stop", "Okay, so.\n", "Yes."),
        ("<think>\nOkay.</think>Yes.", "stop", "\nOkay.", "Yes."),
        ("Yes.", "stop", "", "Yes."),
        ("Okay, so the caller wants", "length", "Okay, so the caller wants", ""),
        ("Okay, so the caller wants", None, "Okay, so the caller wants", ""),
        ("I should call the tool.", "tool_calls", "I should call the tool.", ""),
        ("Okay.</think>Yes, <b>really</b>.", "stop", "Okay.", "Yes, <b>really</b>."),
    ],
)
def test_an_answer_that_begins_within_the_block_is_held_until_it_ends(
    text: str, finish_reason: str | None, reasoning: str, speech: str
) -> None:
    for pieces in [[text], list(text), *([text[:cut], text[cut:]] for cut in range(len(text)))]:
        assert heard(pieces, inside=True, finish_reason=finish_reason) == (reasoning, speech)


def test_ordinary_text_is_never_held_back() -> None:
    thinking = Thinking()
    assert thinking.split("H") == ("", "H")
    assert thinking.is_speaking
    assert thinking.split(" <think>") == ("", " <think>")


def test_only_what_could_become_a_tag_is_held_back() -> None:
    thinking = Thinking()
    assert thinking.split("<th") == ("", "")
    assert thinking.split("e") == ("", "<the")
    thinking = Thinking()
    assert thinking.split("<think>Hm</th") == ("Hm", "")
    assert thinking.split("ey") == ("</they", "")


def test_a_long_held_answer_costs_no_more_than_its_length() -> None:
    thinking = Thinking(begins_inside=True)
    for _ in range(20_000):
        assert thinking.split("word ") == ("", "")
    reasoning, speech = thinking.split("</think>Done.")
    assert (len(reasoning), speech) == (100_000, "Done.")


@pytest.mark.parametrize(
    ("model", "begins"),
    [
        ("@cf/deepseek-ai/deepseek-r1-distill-qwen-32b", True),
        ("deepseek-ai/DeepSeek-R1", True),
        ("@cf/qwen/qwq-32b", True),
        ("Qwen/Qwen3-235B-A22B-Thinking-2507", True),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507", False),
        ("llama-3.3-70b-versatile", False),
        ("deepseek-ai/DeepSeek-V3.1", False),
    ],
)
def test_the_models_whose_template_opens_the_block(model: str, begins: bool) -> None:
    assert begins_inside(model) is begins
