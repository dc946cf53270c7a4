import time

import pytest

from gateway.domain.card_numbers import find_cards, may_hold_card

CARDS = {
    "Visa": "4111111111111111",
    "Visa of 13 digits": "4222222222222",
    "Visa of 19 digits": "4111111111111111110",
    "Mastercard": "5555555555554444",
    "Mastercard from 2221": "2223003122003222",
    "American Express": "378282246310005",
    "Diners Club": "30569309025904",
    "Discover": "6011111111111117",
    "JCB": "3530111333300000",
    "UnionPay": "6200000000000005",
    "Maestro": "6759649826438453",
}


def _found(text: str) -> list[str]:
    content = text.encode()
    found = [content[start:end].decode() for start, end in find_cards(content)]
    assert may_hold_card(content) or not found
    return found


@pytest.mark.parametrize("number", CARDS.values(), ids=CARDS.keys())
def test_a_number_of_each_issuer_is_found(number: str) -> None:
    assert _found(f"It is {number}.") == [number]
    assert _found(number[:-1] + str((int(number[-1]) + 1) % 10)) == [], "the check digit is wrong"


@pytest.mark.parametrize(
    "text",
    ["4111 1111 1111 1111", "4111-1111-1111-1111", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "4111 111111-111111"],
)
def test_single_spaces_and_dashes_may_be_between_the_digits(text: str) -> None:
    assert _found(f"card {text}, yes") == [text]
    assert _found(text.replace(" ", "  ").replace("-", "--")) == []


@pytest.mark.parametrize("before", range(220, 300))
def test_a_number_is_found_after_any_number_of_digits(before: int) -> None:
    for number in ("378282246310005", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"):
        assert _found(f"{'7' * before} {number}") == [number]
        assert _found(f"{'7 ' * before}{number}") == [number]


def test_every_number_of_a_long_list_is_found() -> None:
    for number in CARDS.values():
        assert _found(" ".join([number] * 100)) == [number] * 100


def test_other_digits_beside_a_number_are_no_part_of_it() -> None:
    number = "4111 1111 1111 1111"
    assert _found(f"{number} 123") == [number]
    assert _found(f"on 2026 {number} 12 30 123") == [number]
    assert _found(f"{number} {CARDS['American Express']}") == [number, CARDS["American Express"]]


@pytest.mark.parametrize(
    "text",
    [
        "1795176000123",  # milliseconds
        "-0.4111111111111111",  # a probability's logarithm
        "94111111111111111",  # the digits of a longer number
        "41111111111111112222",
        "9111111111111111",  # no issuer's
        "+49 30 1234567",
        "0000000000000000",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert _found(text) == []


@pytest.mark.alone
def test_the_work_grows_with_the_text() -> None:
    def cpu_s(size: int) -> float:
        times = []
        for _ in range(3):
            began = time.process_time()
            list(find_cards(b"4 " * size))
            times.append(time.process_time() - began)
        return min(times)

    assert cpu_s(40_000) < 6 * cpu_s(10_000)
