import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.outlet import head


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("default", b"default"),
        ("café", "café".encode("latin-1")),
        ("予約", rb"\u4e88\u7d04"),
        ("a\r\nset-cookie: b", rb"a\x0d\x0aset-cookie: b"),
        ("a\x00\tb\x7f", rb"a\x00\x09b\x7f"),
        (" padded ", b"padded"),
        ("", b""),
        ("\ud83c", rb"\ud83c"),
    ],
)
def test_what_http_cannot_carry_is_escaped(value: str, sent: bytes) -> None:
    assert dict(head([("x-inference-task-id", value)]))[b"x-inference-task-id"] == sent


@given(st.text())
def test_any_text_can_be_carried(value: str) -> None:
    [(_, sent), _] = head([("x-inference-task-id", value)])
    assert all(byte >= 0x20 and byte != 0x7F for byte in sent)
    assert sent == sent.strip()


def test_browsers_are_told_not_to_guess() -> None:
    assert head([]) == [(b"x-content-type-options", b"nosniff")]
