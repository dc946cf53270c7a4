import gc
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

import pytest

from gateway.domain.secret import MIN_CHARACTERS, Scrubber, Secret, secrets_in

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


def _scrubbed(text: str, *secrets: str, is_cut: bool = False) -> str:
    scrubber = Scrubber(map(Secret, secrets))
    scrubbed = scrubber.text(text, is_cut=is_cut)
    assert scrubber.content(text.encode("utf-8", "replace"), is_cut=is_cut) == scrubbed.encode()
    return scrubbed


def test_every_secret_in_a_text_is_replaced() -> None:
    message = "Incorrect API key provided: sk-canary (sk-canary). You sent sb-other."
    expected = "Incorrect API key provided: *** (***). You sent ***."
    assert _scrubbed(message, "sk-canary", "sb-other") == expected


@pytest.mark.parametrize("order", [("sk-canar", "sk-canary"), ("sk-canary", "sk-canar")])
def test_a_secret_that_is_the_beginning_of_another_does_not_leave_its_rest(order: tuple[str, str]) -> None:
    assert _scrubbed("sk-canary, sk-canar", *order) == "***, ***"


def test_secrets_that_overlap_are_replaced_together() -> None:
    assert _scrubbed("<sk-canary-bird-01>", "sk-canary-bird", "bird-01-and", "bird-01>") == "<***"


def test_an_empty_secret_and_no_secret_change_nothing() -> None:
    assert _scrubbed("all of it") == _scrubbed("all of it", "") == "all of it"
    assert Scrubber([Secret("")]).content(b"\xff\x00") == b"\xff\x00"


@pytest.mark.parametrize("key", ["e", "user", "EMPTY", "1234567"])
def test_a_short_secret_is_not_replaced(key: str) -> None:
    assert len(key) < MIN_CHARACTERS
    assert _scrubbed(f"the {key} is a user of 1234567", key) == f"the {key} is a user of 1234567"


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert _scrubbed("half \ud83d of it") == "half ? of it"
    assert Scrubber([Secret("\ud83d" * 8)]).content(b"a") == b"a"


ODD = 'sk/a"b\\c+d=e?f&g<h>'
ENCODED = {
    "percent": quote(ODD, safe=""),
    "percent in lower case": quote(ODD, safe="").lower(),
    "percent, some": quote(ODD, safe="/+"),
    "percent, twice": quote(quote(ODD, safe=""), safe=""),
    "JSON": json.dumps(ODD)[1:-1],
    "JSON as PHP writes it": json.dumps(ODD)[1:-1].replace("/", r"\/"),
    "JSON in JSON": json.dumps(json.dumps({"key": ODD})),
    "JSON in JSON in JSON": json.dumps(json.dumps(json.dumps(ODD))),
    "every character": "".join(f"\\u{ord(character):04X}" for character in ODD),
    "mixed": quote(json.dumps(ODD), safe=""),
    "lower case": ODD.lower(),
    "HTML": escape(ODD),
    "Python": repr(ODD + "'")[1:-3],
}


@pytest.mark.parametrize("encoded", ENCODED.values(), ids=ENCODED.keys())
def test_an_encoded_secret_is_replaced(encoded: str) -> None:
    bare = encoded.removeprefix('"').removesuffix('"')
    scrubbed = _scrubbed(f"a\\n%20 {bare}, é {bare}", ODD)
    assert scrubbed.startswith("a\\n%20 ")
    assert scrubbed.count("***") == 2
    assert ", é " in scrubbed
    assert "sk" not in scrubbed


def test_exceptions_lose_their_secrets() -> None:
    cause = KeyError("no sk-canary-1")
    error = ValueError(b"bad sk-canary-1", "bad sk-canary-1", 7)
    error.__cause__, cause.__context__ = cause, error
    Scrubber([Secret("sk-canary-1")]).exception(error)
    assert (error.args, cause.args) == ((b"bad ***", "bad ***", 7), ("no ***",))


def test_masked_json_is_still_json() -> None:
    scrubbed = Scrubber([Secret(ODD)]).content(json.dumps({"a": f"\n{ODD}\n", "b": [ODD, 1]}).encode())
    assert json.loads(scrubbed) == {"a": "\n***\n", "b": ["***", 1]}


@pytest.mark.parametrize("length", range(1, len("sk-canary-1") + 1))
def test_the_beginning_of_a_secret_at_the_end_of_a_cut_text_is_replaced(length: int) -> None:
    assert _scrubbed("no key: " + "sk-canary-1"[:length], "sk-canary-1", is_cut=True) == "no key: ***"


@pytest.mark.parametrize("end", ["\\", r"\u", r"\u00", r"\u002", "%", "%2"])
def test_a_character_cut_in_the_middle_does_not_hide_the_beginning_before_it(end: str) -> None:
    assert _scrubbed(f"no key: sk-can{end}", "sk-can-ary", is_cut=True) == "no key: ***"


def test_the_end_of_a_whole_text_is_replaced_where_it_can_only_be_a_secret() -> None:
    assert _scrubbed("a key: sk-canar", "sk-canary-1") == "a key: ***"
    assert _scrubbed("they ask", "sk-canary-1") == "they ask"


def test_a_secret_that_was_clipped_with_an_ellipsis_is_replaced() -> None:
    assert _scrubbed("left out sk-canar…, sk-c…", "sk-canary-1", is_cut=True) == "left out ***…, sk-c…"


def test_a_secret_beyond_ascii_is_replaced_as_headers_and_bodies_have_it() -> None:
    in_header = "sb-schlüssel".encode().decode("latin-1")
    assert _scrubbed(f"{in_header} sb-schlüssel", in_header) == "*** ***"


def test_values_in_the_query_of_a_url_are_secrets() -> None:
    url = "https://host/v1?key=a%2Fb+c&api-version=2024-10-21&empty=&bare-value&x=a==#"
    found = {secret.reveal() for secret in secrets_in(url)}
    assert found == {"a%2Fb+c", "a/b+c", "a/b c", "bare-value", "a==#"}
    assert not list(secrets_in("https://host/v1"))


def _cpu_s(scrub: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        began = time.process_time()
        scrub()
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.alone
@pytest.mark.alone
def test_the_work_grows_with_a_secret_that_repeats_itself() -> None:
    def work(count: int) -> Callable[[], object]:
        scrubber, text = Scrubber([Secret("a" * count + "b")]), (b"a" * count + b"c" + "…".encode()) * 50
        return lambda: scrubber.content(text, is_cut=True)

    gc.disable()
    try:
        assert _cpu_s(work(16_000)) <= 6 * _cpu_s(work(4000))
    finally:
        gc.enable()


@pytest.mark.alone
@pytest.mark.parametrize("unit", ["plain words ", r"\"quoted\" ", "sk-aaaaaaaa", "%41%42", "\\\\\\u0041"])
def test_the_work_grows_with_the_text(unit: str) -> None:
    scrubber = Scrubber([Secret("sk-aaaaaaaab"), Secret("AB" * 100 + "C"), Secret("sk-aaaaaaaa")])
    short, long = ((unit * count).encode() for count in (5_000, 20_000))
    gc.disable()
    try:
        assert _cpu_s(lambda: scrubber.content(long)) <= 6 * _cpu_s(lambda: scrubber.content(short))
    finally:
        gc.enable()
