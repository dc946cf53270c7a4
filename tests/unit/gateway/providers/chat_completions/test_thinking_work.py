"""Reasoning that is held back costs the same for each piece, however much is held."""

import gc
import time

import pytest

from gateway.providers.chat_completions.thinking import TaggedReasoning
from switchboard.domain.limits import MAX_REASONING_BLOCKS, MAX_UNDECIDED_CHARACTERS

PIECE = "word"


def cpu_s(pieces: int) -> float:
    """The least CPU time of a few answers that are held back to their end."""
    took = []
    gc.disable()
    try:
        for _ in range(5):
            tagged = TaggedReasoning(begins_inside=True)
            began = time.process_time()
            for _ in range(pieces):
                assert tagged.split(PIECE) == ("", "")
            assert len(tagged.end("stop")[1]) == len(PIECE) * pieces
            took.append(time.process_time() - began)
    finally:
        gc.enable()
    return min(took)


@pytest.mark.alone
def test_the_work_grows_with_the_pieces_alone() -> None:
    assert cpu_s(100_000) <= 6 * cpu_s(25_000)


@pytest.mark.parametrize("length", [1, 7, 12, 13, 1000])
def test_what_is_held_back_is_whole_wherever_it_is_cut(length: int) -> None:
    content = "Hm. </thin </think>" + "\nThe answer is four."
    tagged = TaggedReasoning(begins_inside=True)
    split = [tagged.split(content[begin : begin + length]) for begin in range(0, len(content), length)]
    split.append(tagged.end("stop"))
    assert "".join(reasoning for reasoning, _ in split) == "Hm. </thin "
    assert "".join(text for _, text in split).strip() == "The answer is four."


BLOCK = "<think>Hm.</think>"


def blocks_cpu_s(repetitions: int) -> float:
    took = []
    block = BLOCK.replace("Hm.", "Hm." * repetitions)
    gc.disable()
    try:
        for _ in range(5):
            tagged, content = TaggedReasoning(), block * MAX_REASONING_BLOCKS + "Hello"
            began = time.process_time()
            assert tagged.split(content) == ("Hm." * repetitions * MAX_REASONING_BLOCKS, "Hello")
            took.append(time.process_time() - began)
    finally:
        gc.enable()
    return min(took)


@pytest.mark.alone
def test_the_work_grows_with_the_blocks_of_one_content_alone() -> None:
    assert blocks_cpu_s(1600) <= 6 * blocks_cpu_s(400)


@pytest.mark.parametrize("is_at_once", [True, False])
def test_what_follows_very_many_blocks_is_text(*, is_at_once: bool) -> None:
    tagged, more = TaggedReasoning(), BLOCK * 500_000
    pieces = [BLOCK * MAX_REASONING_BLOCKS + more] if is_at_once else [*[BLOCK] * MAX_REASONING_BLOCKS, more]
    began = time.process_time()
    split = [tagged.split(piece) for piece in pieces]
    assert time.process_time() - began < 1.0
    assert "".join(reasoning for reasoning, _ in split) == "Hm." * MAX_REASONING_BLOCKS
    assert "".join(text for _, text in split) == more


def test_too_much_without_a_closing_tag_is_text() -> None:
    tagged = TaggedReasoning(begins_inside=True)
    content = "a" * (MAX_UNDECIDED_CHARACTERS + 1)
    split = [tagged.split(content[begin : begin + 50_000]) for begin in range(0, len(content), 50_000)]
    assert "".join(text for _, text in split) == content
    assert tagged.has_ended
