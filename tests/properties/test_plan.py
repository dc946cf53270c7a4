import contextlib
import ipaddress
import json
import socket

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.api.body import read_chat
from gateway.domain.call import Chat
from gateway.domain.clock import Clock
from gateway.domain.errors import ProviderUrlRefused
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.providers.paths import completions_path
from gateway.providers.provider import Provider
from gateway.routing.provider_url import check_url
from gateway.upstream.addresses import Address, PrivateHosts

NO_PRIVATE_HOSTS = PrivateHosts()
V4 = st.one_of(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.0.1", "100.64.0.1", "8.8.8.8"]).map(
        lambda text: int(ipaddress.IPv4Address(text))
    ),
)
SPELLINGS = st.sampled_from(["{}", "{:#x}", "0{:o}", "0X{:X}"])


@st.composite
def _dotted(draw: st.DrawFn) -> str:
    """An IPv4 address in a notation that resolvers accept: one to four parts, each in its own base."""
    number, parts = draw(V4), draw(st.integers(1, 4))
    heads = [number >> (8 * (3 - place)) & 0xFF for place in range(parts - 1)]
    tail = number & ((1 << (8 * (5 - parts))) - 1)
    return ".".join(draw(SPELLINGS).format(part) for part in [*heads, tail]) + draw(st.sampled_from(["", "", "."]))


@st.composite
def _bracketed(draw: st.DrawFn) -> str:
    """An IPv6 address, often one that embeds an IPv4 address."""
    inner = draw(V4)
    prefix = draw(st.sampled_from([0xFFFF << 32, 0, 0x64FF9B << 96, 0xFE80 << 112, 0xFD00 << 112, 0x2606 << 112]))
    number = draw(st.one_of(st.just(prefix | inner), st.just(0x2002 << 112 | inner << 80), st.integers(0, 2**128 - 1)))
    zone = draw(st.sampled_from(["", "", "%eth0", "%25eth0"]))
    return f"[{ipaddress.IPv6Address(number)}{zone}]"


HOSTS = st.one_of(
    _dotted(),
    _bracketed(),
    st.from_regex(r"[a-z0-9.:%@\[\]_-]{1,24}", fullmatch=True),
    st.text(st.characters(max_codepoint=0x3FF), min_size=1, max_size=12),
)
URLS = st.one_of(
    st.builds("{}://{}{}{}".format, st.sampled_from(["https", "http", "HTTPS"]), HOSTS, st.sampled_from(["", ":8443"]),
              st.sampled_from(["", "/v1", "/v1?x=1", "/#", "\\@evil.test", "@evil.test"])),
    st.text(max_size=30),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(URLS)
@example("https://127.1/")
@example("https://[::ffff:169.254.169.254]/")
@example("https://0251.0376.0251.0376/")
def test_an_accepted_url_never_names_a_private_address(url: str) -> None:
    with contextlib.suppress(ProviderUrlRefused):
        parsed = check_url(url, NO_PRIVATE_HOSTS)
        host = parsed.hostname or ""
        assert parsed.scheme == "https"
        assert host not in {"", "localhost", "localhost."}
        for address in _as_address(host):
            meant = _embedded_in(address)
            assert meant.is_global
            assert not meant.is_multicast
        called = httpx.URL(parsed.geturl())
        assert called.host == host, "the client must call the host that was checked"
        assert not called.userinfo


def _embedded_in(address: Address) -> Address:
    """The IPv4 address within a mapped, compatible, NAT64 or 6to4 one; else the address itself."""
    number = int(address)
    if address.version == 6 and number >> 32 in {0, 0xFFFF, 0x64FF9B << 64}:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if address.version == 6 and number >> 112 == 0x2002:
        return ipaddress.IPv4Address(number >> 80 & 0xFFFFFFFF)
    return address


def _as_address(host: str) -> list[Address]:
    """The addresses that the parsers of resolvers read in the host; none for a name."""
    found: list[Address] = []
    with contextlib.suppress(ValueError):
        found.append(ipaddress.ip_address(host))
    for spelt in (host, host.rstrip(".")):
        with contextlib.suppress(OSError):
            found.append(ipaddress.IPv4Address(socket.inet_aton(spelt)))
    return found


@settings(max_examples=200, deadline=None)
@given(_dotted())
def test_an_ipv4_address_is_accepted_in_dotted_decimal_only(host: str) -> None:
    try:
        check_url(f"https://{host}/v1", NO_PRIVATE_HOSTS)
    except ProviderUrlRefused:
        return
    assert ipaddress.IPv4Address(host).is_global


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(["", "v1", "v1beta", "openai", "chat", "completions", "api", "ai"]), max_size=6))
def test_a_path_gets_the_completions_suffix_once(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    sent_to = completions_path(path)
    assert sent_to.endswith("/chat/completions")
    assert "//" not in sent_to
    assert completions_path(sent_to) == completions_path(sent_to + "/") == sent_to


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.text('abc ÿ日\n"').map(lambda text: f"a{text}")
"""No empty or blank contents: these are repaired."""
UNASKED = {"mistral", "anthropic"}
"""They send a stream's usage without being asked, and refuse `stream_options`."""
TOUCHED = {"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"} | {
    "user_id",
    "elevenlabs_extra_body",
    "tools",
}


@settings(max_examples=150, deadline=None)
@given(
    # An empty list says nothing, and is left out.
    st.dictionaries(
        st.text(max_size=8).filter(lambda name: name not in TOUCHED), JSON.filter(lambda v: v != []), max_size=5
    ),
    st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": WORDS}), min_size=1, max_size=3),
    st.booleans(),
    st.sampled_from([provider for provider in table.PROVIDERS if provider.accepts is None]),
)
def test_a_provider_that_accepts_all_fields_gets_every_other_field_unchanged(
    others: dict[str, object], messages: list[dict[str, object]], streamed: bool, provider: Provider
) -> None:
    chat = read_chat(json.dumps({"model": "m", "messages": messages, "stream": streamed, **others}).encode())
    body, notes = provider.encode(chat, "target-model", SignatureMemory(Clock()))
    sent = json.loads(body)
    assert {name: value for name, value in sent.items() if name not in TOUCHED} == others
    assert (sent["model"], sent["messages"]) == ("target-model", messages)
    assert sent.get("stream", False) is streamed
    assert notes == ()


@pytest.mark.parametrize("provider", table.PROVIDERS, ids=lambda provider: provider.dialect)
def test_a_stream_asks_for_usage_where_the_provider_accepts_it(provider: Provider) -> None:
    chat = Chat("m", (), streamed=True, wants_usage=False, others={"stream_options": {"include_usage": False}})
    sent = json.loads(provider.encode(chat, "m", SignatureMemory(Clock()))[0])
    assert sent.get("stream_options") == ({"include_usage": True} if provider.dialect not in UNASKED else None)
