import json
from collections import Counter
from urllib.parse import quote

import pytest

from gateway.domain.redaction import Redactor
from gateway.domain.redaction_kinds import KINDS, parse_names, redactor

CARD = "4111111111111111"
REDACTOR = redactor(("cards", "keys"), {})
MASK = "[redacted: card]"


def _text(text: str) -> tuple[str, dict[str, int]]:
    counts = Counter[str]()
    return REDACTOR.text(text, counts), dict(counts)


def test_what_is_found_is_replaced_by_its_name_and_counted() -> None:
    key = "sk-" + "a1B2" * 10
    assert _text(f"{CARD}, {key} and {CARD}") == (f"{MASK}, [redacted: key] and {MASK}", {"card": 2, "key": 1})
    assert _text("nothing here") == ("nothing here", {})


@pytest.mark.parametrize(
    "encoded",
    [
        r"\u0034111111111111111",
        r"\u00344\u0031"[:6] + r"\u0031" * 15,
        "%34" + CARD[1:],
        r"\\u0034111111111111111",
        "4111%201111%201111%201111",
        r"№4111111111111111".replace("№", r"\u2116"),
    ],
)
def test_characters_in_code_are_seen_through(encoded: str) -> None:
    redacted, counts = _text(f"a {encoded} b")
    assert redacted.replace(r"\u2116", "") == f"a {MASK} b"
    assert counts == {"card": 1}


def test_a_percent_sign_before_a_number_hides_nothing() -> None:
    assert _text(f"100%{CARD}")[1] == {"card": 1}
    assert _text(quote(f"é {CARD}"))[1] == {"card": 1}
    assert _text(json.dumps({"a": json.dumps({"b": f"é{CARD}"})}))[1] == {"card": 1}


def test_without_kinds_nothing_is_found() -> None:
    assert Redactor().marks(CARD.encode()) == []


def test_names_are_those_of_the_kinds() -> None:
    assert parse_names("keys, Cards,") == ("cards", "keys")
    assert parse_names("none") == ()
    assert set(parse_names(",".join(KINDS))) == set(KINDS)
    with pytest.raises(ValueError, match="must be none, or some of cards, keys, phone, email, iban; not so: pets"):
        parse_names("cards,pets")
