"""Reasoning between tags is separated from the answer's text for any split of the content."""

import pytest

from gateway.providers.chat_completions.thinking import TaggedReasoning, begins_inside


def separated(pieces: list[str], *, inside: bool = False, finish_reason: str | None = "stop") -> tuple[str, str]:
    """All of the reasoning, and all of the answer's text."""
    tagged = TaggedReasoning(begins_inside=inside)
    parts = [tagged.split(piece) for piece in pieces] + [tagged.end(finish_reason)]
    return "".join(reasoning for reasoning, _ in parts), "".join(answer for _, answer in parts)


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
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
def test_reasoning_and_text_are_separated_for_any_split(text: str, reasoning: str, answer: str) -> None:
    expected = reasoning, answer
    for pieces in [[text], list(text), *([text[:cut], text[cut:]] for cut in range(len(text)))]:
        result = separated(pieces)
        assert (result[0], result[1].strip()) == (expected[0], expected[1].strip())


@pytest.mark.parametrize(
    ("text", "finish_reason", "reasoning", "answer"),
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
    text: str, finish_reason: str | None, reasoning: str, answer: str
) -> None:
    for pieces in [[text], list(text), *([text[:cut], text[cut:]] for cut in range(len(text)))]:
        assert separated(pieces, inside=True, finish_reason=finish_reason) == (reasoning, answer)


def test_ordinary_text_is_never_held_back() -> None:
    tagged = TaggedReasoning()
    assert tagged.split("H") == ("", "H")
    assert tagged.has_ended
    assert tagged.split(" <think>") == ("", " <think>")


def test_only_what_could_become_a_tag_is_held_back() -> None:
    tagged = TaggedReasoning()
    assert tagged.split("<th") == ("", "")
    assert tagged.split("e") == ("", "<the")
    tagged = TaggedReasoning()
    assert tagged.split("<think>Hm</th") == ("Hm", "")
    assert tagged.split("ey") == ("</they", "")


def test_a_long_held_answer_costs_no_more_than_its_length() -> None:
    tagged = TaggedReasoning(begins_inside=True)
    for _ in range(20_000):
        assert tagged.split("word ") == ("", "")
    reasoning, answer = tagged.split("</think>Done.")
    assert (len(reasoning), answer) == (100_000, "Done.")


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
