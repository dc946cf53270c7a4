"""Telephone numbers, e-mail addresses and IBANs in a text. Each is looked for where the setting `REDACT` names it."""

import re
from collections.abc import Iterator

from gateway.domain.masks import Span

_ANY_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_NUMBER_SEPARATORS = b" ().-/"
_FEWEST_DIGITS = b"0" * 7
# `re` compiles what is needed of these, and not at the start.
_PHONE = (
    rb"(?<![0-9A-Za-z.,])(?:"
    rb"\+[1-9](?:[ ().-]{0,2}[0-9]){6,14}"  # international
    rb"|\(?0[0-9](?:[ ()./-]{0,2}[0-9]){6,13}"  # with the 0 of most countries
    rb"|\(?[2-9][0-9]{2}\)?[ .-]{1,2}[0-9]{3}[ .-][0-9]{4}"  # North America
    rb")(?![0-9])"
)
_EMAIL = rb"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}(?![A-Za-z0-9-])"
_IBAN_BEGINS = rb"[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4}"
_IBAN = rb"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"


def may_hold_phone(content: bytes) -> bool:
    """Whether the text has seven digits with nothing but what separates a number's parts between them."""
    return _FEWEST_DIGITS in content.translate(_ANY_DIGIT, _NUMBER_SEPARATORS)


def find_phones(content: bytes) -> Iterator[Span]:
    """Where telephone numbers are: international, with a leading 0, or in North America's groups."""
    return (found.span() for found in re.finditer(_PHONE, content))


def may_hold_email(content: bytes) -> bool:
    """Whether the text has an @."""
    return b"@" in content


def find_emails(content: bytes) -> Iterator[Span]:
    """Where e-mail addresses are."""
    return (found.span() for found in re.finditer(_EMAIL, content))


def may_hold_iban(content: bytes) -> bool:
    """Whether the text has a country's letters and two digits."""
    return re.search(_IBAN_BEGINS, content) is not None


def find_ibans(content: bytes) -> Iterator[Span]:
    """Where IBANs with a valid check number are."""
    for found in re.finditer(_IBAN, content):
        text = found[0].replace(b" ", b"").decode()
        if int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1:
            yield found.span()
