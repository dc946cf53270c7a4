"""The kinds that the setting `REDACT` can name."""

from collections.abc import Mapping

from gateway.domain.card_numbers import find_cards, may_hold_card
from gateway.domain.key_shapes import find_keys, may_hold_key
from gateway.domain.own_patterns import own_kinds
from gateway.domain.personal_data import (
    find_emails,
    find_ibans,
    find_phones,
    may_hold_email,
    may_hold_iban,
    may_hold_phone,
)
from gateway.domain.redaction import Kind, Redactor

KINDS = {
    "cards": Kind("card", may_hold_card, find_cards),
    "keys": Kind("key", may_hold_key, find_keys),
    "phone": Kind("phone", may_hold_phone, find_phones),
    "email": Kind("email", may_hold_email, find_emails),
    "iban": Kind("iban", may_hold_iban, find_ibans),
}
NONE = "none"
"""In place of the names: nothing but the operator's own patterns."""
DEFAULT = ("cards", "keys")


def parse_names(text: str) -> tuple[str, ...]:
    """The names in the setting `REDACT`. Raises ValueError, which says what is wrong."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    if names == [NONE]:
        return ()
    if wrong := [name for name in names if name not in KINDS]:
        raise ValueError(f"must be {NONE}, or some of {', '.join(KINDS)}; not so: {', '.join(wrong)}")
    return tuple(name for name in KINDS if name in names)


def redactor(names: tuple[str, ...], patterns: Mapping[str, str]) -> Redactor:
    """The redactor for the names of `REDACT` and the patterns of `REDACT_PATTERNS`."""
    return Redactor((*(KINDS[name] for name in names), *own_kinds(patterns)))
