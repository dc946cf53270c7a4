import json

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.api.credentials import gateway_key, secrets_of
from gateway.api.error_answers import answer_error, answer_failure
from gateway.api.headers import read_route
from gateway.domain.call import Target
from gateway.domain.errors import AllTargetsFailed, UpstreamRejected, UpstreamReported
from gateway.domain.secret import Secret, scrub, scrub_bytes

# Without `*`, which the replacement is made of, and few letters, so that keys overlap.
KEYS = st.text(st.sampled_from("abc-"), min_size=1, max_size=6)
TEXTS = st.text(st.sampled_from("abc- é🙂"), max_size=60)
TARGET = Target("groq", "https://api.groq.com/openai/v1/chat/completions", "api.groq.com", "llama", 1000)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.lists(KEYS, max_size=4))
def test_a_scrubbed_text_contains_no_secret(text: str, keys: list[str]) -> None:
    secrets = tuple(Secret(key) for key in keys)
    scrubbed, scrubbed_bytes = scrub(text, secrets), scrub_bytes(text.encode(), secrets)
    assert not [key for key in keys if key in scrubbed]
    assert scrubbed.encode() == scrubbed_bytes
    if not any(key in text for key in keys):
        assert scrubbed == text


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.text(st.sampled_from("abc-"), min_size=1), st.text(st.sampled_from("abc-"), max_size=5))
def test_a_key_that_is_the_beginning_of_a_longer_one_does_not_leave_its_rest(text: str, short: str, rest: str) -> None:
    assume(rest)
    for secrets in ((Secret(short), Secret(short + rest)), (Secret(short + rest), Secret(short))):
        assert scrub(f" é{short}{rest}é", secrets) == " é***é"
        assert scrub(text, secrets) == scrub(text, secrets[::-1])


@settings(max_examples=150, deadline=None)
@given(st.text(), st.text(max_size=20))
def test_a_scrubbed_text_is_always_valid_utf_8(text: str, key: str) -> None:
    scrub(text + "\ud800", (Secret(key),)).encode()


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
    message = scrub(f"Incorrect key: {provider}. You are {gateway}!", secrets)
    for answer in (
        answer_error(AllTargetsFailed([UpstreamRejected(TARGET, status, message, 7000.0)])),
        answer_failure(UpstreamReported(TARGET, message)),
    ):
        message = json.loads(answer.body)["error"]["message"]
        assert "Incorrect key: " in message
        assert gateway not in message
        assert provider not in message
        assert answer.failure.message == message
