"""Payment card numbers: 13 to 19 digits of a known issuer with a valid check digit, also with spaces or dashes."""

import re
from collections.abc import Iterator
from itertools import accumulate

from gateway.domain.masks import Span

_SEPARATORS = b" -"
_ANY_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_FEWEST = b"0" * 13
_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_RUN = re.compile(rb"(?<![0-9])(?<![0-9]\.)[0-9](?:[ -]?[0-9]){12,255}")
"""Digits with single separators, in parts of 256, so that a text of nothing else takes no more memory. Not those after
a decimal point: a logarithm of a probability has 16."""
_GOES_ON = re.compile(rb"[ -]?[0-9]")
_LONGEST_BYTES = 19 + 18
"""Of a number with a separator after each digit."""
_ISSUERS = re.compile(
    rb"(?=(?P<visa>4)"
    rb"|(?P<amex>3[47])"
    rb"|(?P<diners>30[0-5]|3095|36|3[89])"
    rb"|(?P<long>6011|64[4-9]|65|62|35(?:2[89]|[3-8])|220[0-4]|81|82|508)"
    rb"|(?P<mastercard>5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)"
    rb"|(?P<maestro>5018|5020|5038|5893|6304|6759|676[1-3]))"
)
"""By the first digits. `long`: Discover, UnionPay, JCB, Mir and RuPay."""
_LENGTHS = {
    "visa": (19, 16, 13),
    "amex": (15,),
    "diners": (19, 18, 17, 16, 15, 14),
    "long": (19, 18, 17, 16),
    "mastercard": (16,),
    "maestro": (19, 18, 17, 16, 15, 14, 13),
}


def may_hold_card(content: bytes) -> bool:
    """Whether the text has 13 digits with nothing but spaces and dashes between them."""
    return _FEWEST in content.translate(_ANY_DIGIT, _SEPARATORS)


def find_cards(content: bytes) -> Iterator[Span]:
    """Where card numbers are. Digits before or after one, as a security code, are not part of it."""
    at = done = 0
    while (run := _RUN.search(content, at)) is not None:
        for start, end in _in_run(run[0], run.start()):
            if start >= done:
                yield start, end
                done = end
        at = run.end()
        if _GOES_ON.match(content, at) is not None:
            at -= _LONGEST_BYTES  # a number may lie in two parts


def _in_run(run: bytes, offset: int) -> Iterator[Span]:
    """Card numbers among digits: each begins and ends at an end of the run or at a separator."""
    at = [place for place, byte in enumerate(run) if byte not in _SEPARATORS]
    digits = run.translate(None, _SEPARATORS)
    ends = {0, len(at)} | {place for place in range(1, len(at)) if at[place] != at[place - 1] + 1}
    sums, done = _check_sums(digits), 0
    for issuer in _ISSUERS.finditer(digits):
        start = issuer.start()
        if start < done or start not in ends:
            continue
        for length in _LENGTHS[issuer.lastgroup or ""]:
            end = start + length
            if end in ends and (sums[end % 2][end] - sums[end % 2][start]) % 10 == 0:
                yield offset + at[start], offset + at[end - 1] + 1
                done = end
                break


def _check_sums(digits: bytes) -> tuple[list[int], list[int]]:
    """Sums of the first digits by Luhn's rule, for numbers that end before an even place, and before an odd one."""
    even, odd = bytearray(digits.translate(_VALUES)), bytearray(digits.translate(_VALUES))
    doubled = digits.translate(_DOUBLED)
    even[::2], odd[1::2] = doubled[::2], doubled[1::2]
    return list(accumulate(even, initial=0)), list(accumulate(odd, initial=0))
