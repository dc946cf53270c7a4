import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.secret import Scrubber, Secret
from gateway.relay.wrong_url import is_page, page_text, redirect_text

URL = "https://api.example.com/v1/chat/completions?api-version=2024-10-21"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<!doctype html><p>Hi", True),
        (b"\n\t <HTML>", True),
        (b"\xef\xbb\xbf<html>", True),
        (b"<?xml version='1.0'?><Error/>", True),
        (b'{"choices": []}', False),
        (b"data: <html>\n\n", False),
        (b"a < b", False),
        (b"", False),
    ],
)
def test_markup_is_a_page(body: bytes, expected: bool) -> None:
    assert is_page(body) is expected


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<title>502 Bad Gateway</title>", "a web page ('502 Bad Gateway')"),
        (b"<TITLE id='a'>\n Sign  in\n &lt;now&gt; </TITLE>", "a web page ('Sign in <now>')"),
        (b"<title></title>", "a web page"),
        (b"<html>", "a web page"),
        (b"<title>" + b"x" * 400 + b"</title>", f"a web page ({'x' * 199 + '…'!r})"),
    ],
)
def test_a_page_is_told_by_its_title(body: bytes, text: str) -> None:
    assert page_text(body) == text


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://other.example.com/v1", "https://other.example.com/v1"),
        ("/v2", "https://api.example.com/v2"),
        ("//other.example.com/v1", "https://other.example.com/v1"),
        ("?key=sk-1", "https://api.example.com/v1/chat/completions?key=***"),
        ("https://sk-1:pw@other.example.com:8443/#sk-1", "https://other.example.com:8443/"),
        ("https://[::1]/?a=1&b", "https://[::1]/?a=***&***"),
        ("https://other.example.com/\x00\x1b[0m", "https://other.example.com/??[0m"),
    ],
)
def test_a_location_is_shown_without_what_may_be_secret(location: str, shown: str) -> None:
    assert redirect_text(location, URL) == (f"a redirect to {shown}, which is not followed: the provider URL is wrong")


@pytest.mark.parametrize("before", range(150, 200, 7))
def test_no_part_of_a_key_is_told_where_a_long_text_is_cut(before: int) -> None:
    key = "sk-canary-0123456789abcdefghijklmnopqrstuvwxyz"
    scrub, padding = Scrubber([Secret(key)]).text, "x" * before
    redirect = scrub(redirect_text(f"https://h/{padding}{key}", URL))
    page = scrub(page_text(f"<title>{padding}{key}</title>".encode()))
    assert key[:8] not in redirect + page


@given(st.text(max_size=300))
def test_any_location_gives_one_printable_line(location: str) -> None:
    assert redirect_text(location, URL).isprintable()


@given(st.binary(max_size=300))
def test_any_page_gives_a_short_line(body: bytes) -> None:
    assert len(page_text(b"<title>" + body)) < 1000
