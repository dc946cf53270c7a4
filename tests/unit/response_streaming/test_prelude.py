import json

from hypothesis import given
from hypothesis import strategies as st

from response_streaming.prelude import prelude

NAMES = st.text("abcXYZ-", min_size=1, max_size=8).map(str.encode)
VALUES = st.binary(max_size=20)


def read(head: bytes) -> dict[str, object]:
    document, delimiter, payload = head.partition(b"\0" * 8)
    assert (delimiter, payload) == (b"\0" * 8, b"")
    parsed: dict[str, object] = json.loads(document)
    return parsed


def test_repeated_headers_are_joined_and_names_are_lower_case() -> None:
    headers = [(b"Vary", b"origin"), (b"x-one", b"1"), (b"vary", b"accept")]
    assert read(prelude(207, headers)) == {
        "statusCode": 207,
        "headers": {"vary": "origin, accept", "x-one": "1"},
        "cookies": [],
    }


def test_cookies_are_listed_separately_and_not_joined_by_commas() -> None:
    head = read(prelude(200, [(b"Set-Cookie", b"a=1; Expires=Thu, 01 Jan 2099"), (b"set-cookie", b"b=2")]))
    assert head["cookies"] == ["a=1; Expires=Thu, 01 Jan 2099", "b=2"]
    assert head["headers"] == {}


def test_excluded_headers_are_left_out() -> None:
    assert read(prelude(200, [(b"Server", b"x"), (b"etag", b"y")], {"server"}))["headers"] == {"etag": "y"}


@given(st.integers(100, 599), st.lists(st.tuples(NAMES, VALUES), max_size=6))
def test_any_header_bytes_survive_and_none_can_forge_the_delimiter(
    status: int, headers: list[tuple[bytes, bytes]]
) -> None:
    head = read(prelude(status, headers))
    expected: dict[str, list[str]] = {}
    for name, value in headers:
        expected.setdefault(name.decode().lower(), []).append(value.decode("latin-1"))
    assert head == {
        "statusCode": status,
        "headers": {name: ", ".join(values) for name, values in expected.items()},
        "cookies": [],
    }
