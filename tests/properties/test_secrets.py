import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from urllib.parse import quote, unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api.credentials import gateway_key, secrets_of
from gateway.api.error_answers import answer_error, answer_failure
from gateway.api.headers import read_route
from gateway.domain.call import Target
from gateway.domain.errors import AllTargetsFailed
from gateway.domain.reports import UpstreamRejected, UpstreamReported
from gateway.domain.secret import MIN_CHARACTERS, Scrubber, Secret
from gateway.recording.scrubbed_bodies import scrubbed_bodies
from gateway.recording.scrubbed_trace import scrubbed_trace
from switchboard.domain.trace import Bodies, Failure
from switchboard.stream.transcript import assemble
from testkit.openai_events import chunk
from testkit.samples import a_usual_attempt, an_open_trace

# Without `*`, which the mask is made of, and few letters, so that keys overlap.
KEYS = st.text(st.sampled_from('abc-"/%'), min_size=MIN_CHARACTERS, max_size=12)
KEYS_WITHOUT_QUOTES = st.text(st.sampled_from("abc-/%"), min_size=MIN_CHARACTERS, max_size=12)
"""Punctuation that is a key cannot be told from JSON's own."""
PIECES = st.text(st.sampled_from('abc- é🙂"/%\\\\'), max_size=12)
TARGET = Target("groq", "https://api.groq.com/openai/v1/chat/completions", "api.groq.com", "llama", 1000)


def _encodings(key: str) -> list[str]:
    escaped = json.dumps(key)[1:-1]
    return [key, escaped, quote(key, safe=""), quote(key), json.dumps(escaped)[1:-1], escaped.replace("/", r"\\/")]


@settings(max_examples=200, deadline=None)
@given(st.lists(KEYS, max_size=3), st.data())
def test_a_scrubbed_text_contains_no_secret(keys: list[str], data: st.DataObject) -> None:
    spoken = st.sampled_from([form for key in keys for form in _encodings(key)] or [""])
    text = "".join(data.draw(st.lists(spoken | PIECES, max_size=8)))
    scrubber = Scrubber(map(Secret, keys))
    scrubbed = scrubber.text(text)
    assert not [key for key in keys if key in scrubbed or key in unquote(scrubbed)]
    assert scrubbed.encode() == scrubber.content(text.encode())
    assert scrubber.text(scrubbed) == scrubbed
    if "*" not in scrubbed:
        assert scrubbed == text


@settings(max_examples=100, deadline=None)
@given(st.lists(KEYS_WITHOUT_QUOTES, min_size=1, max_size=3), st.data())
def test_scrubbed_json_contains_no_secret_and_stays_json(keys: list[str], data: st.DataObject) -> None:
    texts = st.lists(st.sampled_from(keys) | PIECES, max_size=5).map("".join)
    value = data.draw(st.dictionaries(st.sampled_from("xyz"), texts | st.lists(texts, max_size=3), max_size=3))
    scrubbed = json.loads(Scrubber(map(Secret, keys)).content(json.dumps(value).encode()))
    assert scrubbed.keys() == value.keys()
    assert not [key for key in keys for text in _texts(scrubbed) if key in text]


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in inner for text in _texts(part)]


@settings(max_examples=150, deadline=None)
@given(KEYS, st.data())
def test_a_cut_text_does_not_end_with_the_beginning_of_a_secret(key: str, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(_encodings(key)))
    cut = data.draw(PIECES) + text[: data.draw(st.integers(1, len(text)))]
    scrubbed = Scrubber([Secret(key)]).text(cut, is_cut=True)
    assert not [size for size in range(1, len(key)) if scrubbed.endswith(key[:size])]


@settings(max_examples=150, deadline=None)
@given(PIECES, KEYS, st.text(st.sampled_from("abc-"), min_size=1, max_size=5))
def test_a_key_that_is_the_beginning_of_a_longer_one_does_not_leave_its_rest(text: str, short: str, rest: str) -> None:
    for keys in ((short, short + rest), (short + rest, short)):
        scrubber, reversed_ = Scrubber(map(Secret, keys)), Scrubber(map(Secret, keys[::-1]))
        assert scrubber.text(f" é{short}{rest}é") == " é***é"
        assert scrubber.text(text) == reversed_.text(text)


@settings(max_examples=150, deadline=None)
@given(st.text(), st.text(max_size=20))
def test_a_scrubbed_text_is_always_valid_utf_8(text: str, key: str) -> None:
    Scrubber([Secret(key)]).text(text + "\ud800").encode()


def _streamed(text: str, cuts: list[int]) -> bytes:
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return b"".join(chunk(text[start:end]) for start, end in pairwise(places))


@settings(max_examples=150, deadline=None)
@given(KEYS, st.data(), st.lists(st.integers(0, 100), max_size=12))
def test_a_key_spoken_over_any_deltas_is_not_kept(key: str, data: st.DataObject, cuts: list[int]) -> None:
    spoken = st.sampled_from(_encodings(key))
    text = "".join(data.draw(st.lists(spoken | PIECES, max_size=5)))
    stream, scrubber = _streamed(text, cuts), Scrubber([Secret(key)])
    kept = scrubbed_bodies(Bodies(b"", stream), scrubber).response or b""
    assert "".join(assemble(stream).choices[0].text) == text
    heard = "".join(assemble(kept).choices[0].text)
    assert key not in heard
    assert key not in unquote(heard)
    assert scrubber.text(heard) == heard
    if "*" not in heard:
        assert kept == stream


@settings(max_examples=100, deadline=None)
@given(KEYS, PIECES, st.data())
def test_no_text_of_a_kept_trace_holds_a_key(key: str, around: str, data: st.DataObject) -> None:
    said = f"{around}{data.draw(st.sampled_from(_encodings(key)))} {around}"
    attempt = replace(a_usual_attempt(), host=said, model=said, error=said)
    trace = replace(
        an_open_trace(),
        task_id=said,
        environment=said,
        model=said,
        finish_reason=said,
        metadata={said: said, "a": said},
        attempts=(attempt, a_usual_attempt()),
        notes=(said, "b", said),
        failure=Failure("upstream_cut", said, 502),
    )
    kept = scrubbed_trace(trace, Scrubber([Secret(key)]))
    texts = [str(value) for value in _leaves(asdict(kept))]
    assert not [text for text in texts if key in text or key in unquote(text)]
    assert (kept.trace_id, kept.project, kept.key_id) == (trace.trace_id, trace.project, trace.key_id)


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value
        yield from (leaf for inner in value.values() for leaf in _leaves(inner))
    elif isinstance(value, list | tuple):
        yield from (leaf for inner in value for leaf in _leaves(inner))
    else:
        yield value


PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=24)


@settings(max_examples=150, deadline=None)
@given(PRINTABLE, PRINTABLE, st.sampled_from([429, 400, 500]))
def test_any_domain_error_becomes_a_body_without_secrets(gateway: str, provider: str, status: int) -> None:
    headers = {
        "authorization": f"Bearer {provider}",
        "x-inference-project-api-key": gateway,
        "x-inference-metadata-a": "b",
    }
    secrets = secrets_of(headers)
    assert gateway_key(headers) == gateway
    if provider != gateway:  # else it is not taken for the provider's
        assert read_route(headers).key in secrets
    message = f"Incorrect key: {provider}. You are {gateway}!"
    for answer in (
        answer_error(AllTargetsFailed([UpstreamRejected(TARGET, status, message, 7000.0)])),
        answer_failure(UpstreamReported(TARGET, message)),
    ):
        scrubbed = answer.scrubbed(Scrubber(secrets))
        message = json.loads(scrubbed.body)["error"]["message"]
        assert "Incorrect key: " in message
        assert gateway not in message
        assert provider not in message
        assert scrubbed.failure.message == message
