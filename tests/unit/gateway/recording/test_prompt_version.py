import time
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.recording.prompt_version import MAX_OCCURRENCES, prompt_version

PROMPT = "You are {agent}, of the clinic. Today is {date}. You speak with {name} ({number}). Never invent a price."
ONE = {"agent": "Anna", "date": "Friday, 12:33 12 December 2025", "name": "Jo Li", "number": "+4930123456"}
OTHER = {"agent": "Anna", "date": "Monday, 9:05 AM 3 May 2026", "name": "Maria Braun", "number": "+49151777"}


def version(values: dict[str, str], prompt: str = PROMPT) -> str:
    return prompt_version(prompt.format(**values), [values["name"], values["number"]])


def test_calls_of_one_agent_have_one_version() -> None:
    assert version(ONE) == version(OTHER)
    assert len(version(ONE)) == 12
    assert int(version(ONE), 16) >= 0


def test_an_edited_prompt_is_another_version() -> None:
    assert version(ONE) != version(ONE, PROMPT + " Be brief.")
    assert version(ONE) != version(ONE | {"agent": "Anton"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-11-30T11:12:01.5Z", "2025-01-02T03:04:05Z"),
        ("3.50 EUR", "1,250.00 EUR"),
        ("at 11 am", "at 12:30 PM"),
        ("conv_01jz9k", "conv_99aa7"),
        ("January", "September"),
        ("Sunday", "Tuesday"),
    ],
)
def test_dates_times_and_numbers_do_not_count(one: str, other: str) -> None:
    assert prompt_version(f"It is {one} now", ()) == prompt_version(f"It is {other} now", ())


def test_a_value_counts_within_a_longer_word() -> None:
    assert prompt_version("Call Ann. Annual fee.", ["Ann"]) == prompt_version("Call Bob. Annual fee.", ["Bob"])
    assert prompt_version("Annual", ["Ann"]) != prompt_version("Bobual", ["Bob"])


def test_a_value_may_contain_another_one() -> None:
    one, other = ["Anna", "Anna Braun"], ["Lea", "Lea Wolf"]
    assert prompt_version("Greet Anna Braun.", one) == prompt_version("Greet Lea Wolf.", other)


def test_a_short_or_a_frequent_value_is_no_variable() -> None:
    often = "word " * (MAX_OCCURRENCES + 1)
    assert prompt_version("as is", ["is"]) == prompt_version("as is", ())
    assert prompt_version(often, ["word"]) == prompt_version(often, ())
    assert prompt_version(often[5:], ["word"]) != prompt_version(often[5:], ())


@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=5))
def test_any_text_has_a_version(prompt: str, variables: list[str]) -> None:
    assert prompt_version(prompt, variables) == prompt_version(prompt, reversed(variables))


def test_long_prompts_are_read_to_their_end() -> None:
    lines = "\n".join([ascii_letters] * 5000)
    assert len({prompt_version(lines + end, ()) for end in ("", "!", "?")}) == 3
    assert prompt_version(lines + "\nRoom 12", ()) == prompt_version(lines + "\nRoom 7", ())


@pytest.mark.parametrize("text", ["a", "1", "a1-", "1.", "1 a.m", "Monda", "x "])
def test_the_time_is_linear_in_the_text(text: str) -> None:
    began = time.process_time()
    prompt_version(text * (1_000_000 // len(text)), [text * 500 + "b", text * 700, text, *map(str, range(1000, 1040))])
    assert time.process_time() - began < 5
