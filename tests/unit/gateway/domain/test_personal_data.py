import pytest

from gateway.domain.personal_data import (
    find_emails,
    find_ibans,
    find_phones,
    may_hold_email,
    may_hold_iban,
    may_hold_phone,
)


def _phones(text: str) -> list[str]:
    found = [text.encode()[start:end].decode() for start, end in find_phones(text.encode())]
    assert may_hold_phone(text.encode()) or not found
    return found


@pytest.mark.parametrize(
    "number",
    ["+49 170 1234567", "+14155552671", "+1 (415) 555-2671", "030 1234567", "0170/1234567", "(415) 555-2671"],
)
def test_telephone_numbers_are_found(number: str) -> None:
    assert _phones(f"Call {number}.") == [number]


@pytest.mark.parametrize("text", ["2026-11-30", "1795176000", "0.1234567890", "order 12345678", "10:00 to 12:30"])
def test_other_numbers_stay(text: str) -> None:
    assert _phones(text) == []


def test_email_addresses_are_found() -> None:
    text = b"Write to jane.doe+x@mail.example.co.uk, or @jane, or a@b."
    assert may_hold_email(text)
    assert [text[start:end] for start, end in find_emails(text)] == [b"jane.doe+x@mail.example.co.uk"]


def test_ibans_with_a_valid_check_number_are_found() -> None:
    text = b"DE89 3704 0044 0532 0130 00 or GB82WEST12345698765432, not DE88370400440532013000"
    assert may_hold_iban(text)
    assert [text[start:end] for start, end in find_ibans(text)] == [
        b"DE89 3704 0044 0532 0130 00",
        b"GB82WEST12345698765432",
    ]
