import base64
import json

import pytest

from gateway.domain.key_shapes import find_keys, may_hold_key

# Put together here, so that no scanner takes them for keys.
LETTERS = "Ab3dEf6hIj" * 6


def _jwt() -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, {"sub": "1234567890"})]
    return ".".join([base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts] + [LETTERS[:43]])


KEYS = {
    "OpenAI": "sk-" + LETTERS[:48],
    "OpenAI, of a project": "sk-proj-" + LETTERS[:40] + "_" + LETTERS[:20],
    "Anthropic": "sk-ant-api03-" + LETTERS,
    "ElevenLabs": "sk_" + "0123456789abcdef" * 3,
    "Stripe": "sk" + "_live_" + LETTERS[:24],
    "AWS": "AK" + "IA" + "IOSFODNN7EXAMPLE",
    "Google": "AI" + "za" + LETTERS[:35],
    "GitHub": "gh" + "p_" + LETTERS[:36],
    "GitHub, fine-grained": "github" + "_pat_" + LETTERS[:59],
    "Slack": "xo" + "xb-" + "123456789012-" + LETTERS[:24],
    "Groq": "gs" + "k_" + LETTERS[:52],
    "Hugging Face": "h" + "f_" + LETTERS[:34],
    "Switchboard": "sb-" + LETTERS[:43],
    "JWT": _jwt(),
}
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nx/y+z==\n-----END RSA " + "PRIVATE KEY-----"


def _found(text: str) -> list[str]:
    content = text.encode()
    found = [content[start:end].decode() for start, end in find_keys(content)]
    assert may_hold_key(content) or not found
    return found


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_a_key_of_each_shape_is_found_whole(key: str) -> None:
    assert _found(f"My key is {key}, yes") == [key]
    assert _found(f'"{key}"') == [key]


def test_a_private_key_is_found_to_its_end_or_to_the_end_of_the_text() -> None:
    assert _found(f"here: {PEM} and more") == [PEM]
    begun = PEM[: PEM.index("x/y")]
    assert _found(f"here: {begun}") == [begun]
    assert _found(f'{{"key": "{begun}", "a": 1}}') == [begun]


@pytest.mark.parametrize(
    "text",
    [
        "a risk-assessment-for-all-departments-of-2026",
        "desk-1234567890abcdefghijklmnop",
        "sk-learn",
        "https://example.com/chat.completion.chunk.with.a.long.name",
        "chatcmpl-9XyZ9XyZ9XyZ9XyZ9XyZ9XyZ",
        "0195c0de-0000-7000-8000-000000000001",
        "-----BEGIN PUBLIC KEY-----",
    ],
)
def test_other_names_stay(text: str) -> None:
    assert _found(text) == []
