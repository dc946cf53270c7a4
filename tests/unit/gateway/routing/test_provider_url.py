import httpx
import pytest

from gateway.domain.errors import ProviderUrlRefused
from gateway.routing.provider_url import URL_HEADER, check_url
from gateway.upstream.addresses import PrivateHosts

NOBODY = PrivateHosts()

REFUSED = [
    # not https, or no URL at all
    "http://api.openai.com/v1",
    "ftp://api.openai.com",
    "file:///etc/passwd",
    "gopher://api.openai.com",
    "javascript:alert(1)",
    "api.openai.com/v1",
    "//api.openai.com/v1",
    "https:api.openai.com",
    "https:///v1",
    "https://",
    "https://:443/v1",
    "",
    # a second host in disguise
    "https://api.openai.com@169.254.169.254/",
    "https://user:password@api.openai.com/",
    "https://@api.openai.com/",
    "https://api.openai.com#@169.254.169.254/",
    "https://api.openai.com/v1#",
    "https://api.openai.com\\@169.254.169.254/",
    "https:\\\\169.254.169.254\\",
    "https://api.openai.com /v1",
    "https://api.openai.com/v 1",
    " https://api.openai.com",
    "https://api.openai.com\t/v1",
    "https://api.openai.com/v1\r\nhost: evil.test",
    "https://api.openai.com/\x00",
    "https://api.öpenai.com/",
    "https://api.openai.com/ümlaut",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
    # malformed hosts and ports
    "https://api.openai.com:99999/",
    "https://api.openai.com:port/",
    "https://[::1/",
    "https://[v1.fe80]/",
    "https://[localhost]/",
    "https://[api.openai.com]/",
    "https://./",
    "https://../",
    "https://.api.openai.com/",
    "https://api..openai.com/",
    "https://127%2e0%2e0%2e1/",
    "https://%6c%6f%63%61%6c%68%6f%73%74/",
    "https://api.openai.com%00.evil.test/",
    "https://api.openai.com,evil.test/",
    "https://" + "a" * 64 + ".test/",
    "https://" + "a." * 127 + "test/",
    "https://api.openai.com/" + "a" * 2048,
    # this machine
    "https://localhost/",
    "https://LOCALHOST:8443/",
    "https://localhost./",
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/v1",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0X7F.0.0.1/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://127.0.0.1../",
    "https://127.0.0.0x1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://0x/",
    "https://foo.0x/",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    # metadata and private networks
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2/v2/credentials",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0xa9.0xfe.0xa9.0xfe/",
    "https://0251.0376.0251.0376/",
    "https://169.254.43518/",
    "https://169.254.169.254./",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b::169.254.169.254]/",
    "https://[2002:a9fe:a9fe::]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[2606:4700::1%25eth0]/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.0.1/",
    "https://100.64.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[fc00::1]/",
    "https://[ff02::1]/",
    # a number that is public, but not in the ordinary way
    "https://1.1/",
    "https://16843009/",
    "https://1.1.1.1./",
    # hosts that are not valid Punycode: the HTTP client cannot decode them
    "https://xn--a",
    "https://api.XN--a.example/v1",
]

PASSED = [
    "https://api.openai.com",
    "https://API.OpenAI.com/v1",
    "https://api.openai.com:443/v1",
    "https://api.groq.com/openai/v1/",
    "https://my-res.openai.azure.com/openai/deployments/gpt-4o?api-version=2024-10-21",
    "https://bedrock-runtime.eu-central-1.amazonaws.com/openai/v1",
    "https://under_score.example.test/v1",
    "https://api.openai.com./v1",
    "https://3com.test/",
    "https://1.1.1.1/v1",
    "https://8.8.8.8:8443/v1",
    "https://[2606:4700::6812:6c0]/v1",
    "https://[::ffff:8.8.8.8]/v1",
    "https://0xabc.example.test/",
    "https://api.openai.com/a@b/v1?x=%20@",
]


@pytest.mark.parametrize("url", REFUSED)
def test_an_ambiguous_or_private_url_is_refused(url: str) -> None:
    with pytest.raises(ProviderUrlRefused) as refused:
        check_url(url, NOBODY)
    assert refused.value.param == URL_HEADER
    assert refused.value.message.startswith(URL_HEADER)


@pytest.mark.parametrize("url", PASSED)
def test_an_ordinary_url_passes_and_httpx_parses_the_same_host(url: str) -> None:
    parsed = check_url(url, NOBODY)
    as_called = httpx.URL(parsed.geturl())
    assert (as_called.host, as_called.port) == (parsed.hostname, None if parsed.port == 443 else parsed.port)


def test_a_host_in_punycode_passes() -> None:
    assert check_url("https://xn--bcher-kva.example/v1", NOBODY).hostname == "xn--bcher-kva.example"


def test_a_refusal_does_not_repeat_the_url() -> None:
    with pytest.raises(ProviderUrlRefused) as refused:
        check_url("https://10.0.0.1/?key=sk-canary", NOBODY)
    assert "canary" not in refused.value.message


@pytest.mark.parametrize(
    ("names", "url"),
    [
        ("localhost", "http://localhost/v1"),
        ("localhost", "http://localhost:11434/v1"),
        ("localhost", "https://LOCALHOST/v1"),
        ("localhost:80", "http://localhost/v1"),
        ("localhost:443", "https://localhost/v1"),
        ("localhost:11434", "http://localhost:11434/v1"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("10.0.0.5", "https://10.0.0.5/v1"),
        ("[::1]:8000", "http://[::1]:8000/v1"),
        ("[::1]", "http://[::1]:8000/v1"),
        ("::1", "http://[::1]/v1"),
        ("vllm.internal, ollama.internal:11434", "http://ollama.internal:11434"),
    ],
)
def test_a_host_that_the_operator_allows_passes(names: str, url: str) -> None:
    assert check_url(url, PrivateHosts.parse(names)).geturl().lower() == url.lower()


@pytest.mark.parametrize(
    ("names", "url"),
    [
        ("localhost:11434", "http://localhost:11435/v1"),
        ("localhost:11434", "http://localhost/v1"),
        ("localhost", "http://127.0.0.1/v1"),
        ("127.0.0.1", "http://127.1/v1"),
        ("127.0.0.1", "http://2130706433/v1"),
        ("localhost", "http://user@localhost/v1"),
        ("localhost", "http://localhost/v1#"),
        ("localhost", "ftp://localhost/v1"),
        ("localhost", "http://localhost.evil.test/v1"),
        ("[::1]:8000", "http://[::1]:8001/v1"),
        ("10.0.0.5", "https://10.0.0.6/v1"),
    ],
)
def test_an_allowed_host_allows_no_other_host_or_port(names: str, url: str) -> None:
    with pytest.raises(ProviderUrlRefused):
        check_url(url, PrivateHosts.parse(names))
