import json
import logging
from dataclasses import dataclass

import pytest

from gateway.domain.secret import Secret, scrub, scrub_bytes

TEXT = "sk-canary"
SECRET = Secret(TEXT)


@dataclass(frozen=True)
class Holder:
    """Something that holds a secret."""

    key: Secret


def test_only_reveal_returns_the_text() -> None:
    holder = Holder(SECRET)
    for shown in (str(SECRET), repr(SECRET), f"{SECRET}", f"{SECRET!r:>5}", "%s" % SECRET, repr(holder), str([SECRET])):  # noqa: UP031
        assert TEXT not in shown
        assert "***" in shown
    assert SECRET.reveal() == TEXT


def test_a_log_line_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("key %s of %r", SECRET, Holder(SECRET))
    assert "key *** of" in caplog.text
    assert TEXT not in caplog.text


def test_a_secret_is_not_serialised_as_json() -> None:
    with pytest.raises(TypeError):
        json.dumps({"key": SECRET})


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_every_secret_in_a_text_is_replaced() -> None:
    message = "Incorrect API key provided: sk-canary (sk-canary). You sent sb-other."
    assert scrub(message, (SECRET, Secret("sb-other"))) == "Incorrect API key provided: *** (***). You sent ***."
    assert scrub_bytes(message.encode(), (SECRET,)) == b"Incorrect API key provided: *** (***). You sent sb-other."


@pytest.mark.parametrize("order", [("sk-can", "sk-canary"), ("sk-canary", "sk-can")])
def test_a_secret_that_is_the_beginning_of_another_does_not_leave_its_rest(order: tuple[str, str]) -> None:
    secrets = tuple(Secret(text) for text in order)
    assert scrub("sk-canary, sk-can", secrets) == "***, ***"
    assert scrub_bytes(b"sk-canary, sk-can", secrets) == b"***, ***"


def test_an_empty_secret_and_no_secret_change_nothing() -> None:
    assert scrub("all of it", ()) == scrub("all of it", (Secret(""),)) == "all of it"
    assert scrub_bytes(b"\xff\x00", ()) == scrub_bytes(b"\xff\x00", (Secret(""),)) == b"\xff\x00"


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert scrub("half \ud83d of it", ()) == "half ? of it"
    assert scrub_bytes(b"a", (Secret("\ud83d"),)) == b"a"
