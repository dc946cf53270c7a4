import pytest

from gateway.api.credentials import PROJECT_KEY_HEADERS, Headers, gateway_key, secrets_of
from gateway.api.headers import (
    read_labels,
    read_route,
)
from gateway.domain.call import Capture, Labels, Route
from gateway.domain.errors import HeaderMalformed
from gateway.domain.secret import Scrubber, Secret
from gateway.providers import table
from switchboard.domain.limits import (
    MAX_LABEL_CHARACTERS,
    MAX_METADATA_CHARACTERS,
    MAX_METADATA_ENTRIES,
    MAX_TTFT_TIMEOUT_MS,
)

PROVIDERS_OF_THE_CONTRACT = [
    "openai",
    "anthropic",
    "google",
    "gemini",
    "groq",
    "together",
    "cloudflare",
    "deepseek",
    "mistral",
    "xai",
    "cerebras",
    "fireworks",
    "openrouter",
    "azure",
    "bedrock",
]


def _labels(headers: Headers, ceiling: Capture = Capture.FULL) -> Labels:
    return read_labels(headers, ceiling, Scrubber())


# The caller's own key


@pytest.mark.parametrize("value", ["Bearer sb-one", "bearer sb-one", "BEARER  sb-one ", " Bearer sb-one", "sb-one"])
def test_authorization_holds_the_gateway_key(value: str) -> None:
    assert gateway_key({"authorization": value}) == "sb-one"
    assert read_route({"authorization": value}).key is None


@pytest.mark.parametrize("value", ["", " ", "Bearer", "Bearer ", "bearer   "])
def test_an_authorization_without_a_key_gives_none(value: str) -> None:
    assert gateway_key({"authorization": value}) is None


@pytest.mark.parametrize("name", PROJECT_KEY_HEADERS)
def test_with_a_gateway_key_header_authorization_is_the_providers_key(name: str) -> None:
    headers = {name: " sb-one ", "authorization": "Bearer sk-provider"}
    assert gateway_key(headers) == "sb-one"
    assert _revealed(read_route(headers)) == "sk-provider"


@pytest.mark.parametrize("name", PROJECT_KEY_HEADERS)
def test_a_gateway_key_header_needs_no_authorization(name: str) -> None:
    assert gateway_key({name: "sb-one"}) == "sb-one"
    assert read_route({name: "sb-one"}).key is None


def test_an_empty_key_header_does_not_hide_authorization() -> None:
    headers = {PROJECT_KEY_HEADERS[0]: " ", "authorization": "Bearer sb-one"}
    assert gateway_key(headers) == "sb-one"
    assert read_route(headers).key is None


@pytest.mark.parametrize("name", [None, *PROJECT_KEY_HEADERS])
def test_the_provider_key_header_wins_over_authorization(name: str | None) -> None:
    headers = {"authorization": "Bearer sk-other", "x-inference-provider-api-key": " sk-provider "}
    if name is not None:
        headers[name] = "sb-one"
    assert _revealed(read_route(headers)) == "sk-provider"


def test_without_a_key_there_is_none() -> None:
    assert gateway_key({}) is None
    assert read_route({}) == Route()


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-\x00", "sk-ü", "sk-\x7f"])
def test_a_provider_key_with_invalid_characters_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(HeaderMalformed) as refused:
        read_route({"x-inference-provider-api-key": key})
    assert refused.value.param == "x-inference-provider-api-key"
    assert key not in refused.value.message


def test_every_key_in_the_headers_is_a_secret() -> None:
    headers = {
        "authorization": "Bearer sk-a",
        "x-inference-project-api-key": "sb-b",
        "x-inference-observability-api-key": "sb-c ",
        "x-inference-provider-api-key": "sk-d",
        "x-inference-key-groq": "gsk-e",
        "x-inference-task-id": "booking",
    }
    assert {secret.reveal() for secret in secrets_of(headers)} == {"sk-a", "sb-b", "sb-c", "sk-d", "gsk-e"}
    assert secrets_of({"authorization": "Bearer", "x-inference-provider-api-key": " "}) == ()


# What the call is counted under


def test_without_headers_the_labels_are_the_defaults() -> None:
    assert _labels({}) == Labels("default", "default", {}, None, Capture.FULL)


def test_labels_come_from_their_headers() -> None:
    labels = _labels(
        {
            "x-inference-task-id": " booking ",
            "x-inference-environment": "staging",
            "x-inference-metadata-conversation-id": "conv_1",
            "x-inference-metadata-call-duration-secs": "61",
        }
    )
    assert (labels.task_id, labels.environment) == ("booking", "staging")
    assert labels.metadata == {"conversation-id": "conv_1", "call-duration-secs": "61"}
    assert labels.notes == ()


@pytest.mark.parametrize("name", ["x-inference-task-id", "x-inference-environment"])
def test_a_long_label_or_one_with_control_characters_is_refused(name: str) -> None:
    assert _labels({name: "x" * MAX_LABEL_CHARACTERS}).notes == ()
    for value in ("x" * (MAX_LABEL_CHARACTERS + 1), "a\tb", "a\x1bb"):
        with pytest.raises(HeaderMalformed) as refused:
            _labels({name: value})
        assert refused.value.param == name


@pytest.mark.parametrize("sent", ["Müller & Söhne", "予約", "🙂"])
def test_text_sent_as_utf_8_is_read_as_such(sent: str) -> None:
    as_servers_hand_it_on = sent.encode().decode("latin-1")
    labels = _labels(
        {"x-inference-task-id": as_servers_hand_it_on, "x-inference-metadata-caller": as_servers_hand_it_on}
    )
    assert labels.task_id == sent
    assert labels.metadata == {"caller": sent}


def test_text_sent_as_latin_1_is_kept() -> None:
    assert _labels({"x-inference-metadata-caller": "Müller"}).metadata == {"caller": "Müller"}


def test_unknown_headers_are_noted_by_name_only() -> None:
    labels = _labels({"x-inference-zzz": "sb-canary", "x-inference-colour": "red", "x-other": "1", "accept": "*/*"})
    assert labels.notes == ("ignored header x-inference-colour", "ignored header x-inference-zzz")


@pytest.mark.parametrize(
    "name",
    [
        *PROJECT_KEY_HEADERS,
        "x-inference-provider-url",
        "x-inference-provider-api-key",
        "x-inference-provider",
        "x-inference-environment",
        "x-inference-task-id",
        "x-inference-ttft-timeout-ms",
        "x-inference-metadata-agent-id",
    ],
)
def test_a_documented_header_is_not_noted_as_unknown(name: str) -> None:
    assert _labels({name: "1"}).notes == ()


def test_metadata_has_limits() -> None:
    prefix = "x-inference-metadata-"
    most = {f"{prefix}k{n}": "v" for n in range(MAX_METADATA_ENTRIES)}
    assert len(_labels(most).metadata) == MAX_METADATA_ENTRIES
    longest = {f"{prefix}key": "v" * (MAX_METADATA_CHARACTERS - 3)}
    assert len(_labels(longest).metadata["key"]) == MAX_METADATA_CHARACTERS - 3
    for headers, named in (
        (most | {f"{prefix}one-more": "v"}, f"{prefix}*"),
        ({f"{prefix}key": "v" * (MAX_METADATA_CHARACTERS - 2)}, f"{prefix}key"),
        ({prefix: "v"}, prefix),
    ):
        with pytest.raises(HeaderMalformed) as refused:
            _labels(headers)
        assert refused.value.param == named


@pytest.mark.parametrize("ceiling", list(Capture))
@pytest.mark.parametrize("asked", [None, "full", "metadata", "none", "NONE", " Full "])
def test_a_caller_can_lower_the_capture_level_but_not_raise_it(asked: str | None, ceiling: Capture) -> None:
    headers = {"x-inference-metadata-agent-id": "a"} | ({} if asked is None else {"x-inference-capture": asked})
    labels = _labels(headers, ceiling)
    assert labels.capture == min(ceiling, Capture[(asked or "full").strip().upper()])
    assert labels.metadata == ({} if labels.capture is Capture.NONE else {"agent-id": "a"})


def test_an_unknown_capture_is_refused() -> None:
    with pytest.raises(HeaderMalformed) as refused:
        _labels({"x-inference-capture": "all"})
    assert refused.value.param == "x-inference-capture"


# Where the call goes


@pytest.mark.parametrize("name", PROVIDERS_OF_THE_CONTRACT)
def test_every_documented_provider_can_be_named(name: str) -> None:
    for spelt in (name, name.upper(), f" {name} "):
        route = read_route({"x-inference-provider": spelt})
        assert route.provider is not None
        assert table.by_name(route.provider) == table.by_name(name)


def test_an_unknown_provider_is_refused_with_a_list_of_the_known() -> None:
    with pytest.raises(HeaderMalformed, match=r"anthropic.*groq") as refused:
        read_route({"x-inference-provider": "acme"})
    assert refused.value.param == "x-inference-provider"


def test_the_url_is_kept_without_surrounding_spaces() -> None:
    assert read_route({"x-inference-provider-url": " https://api.groq.com/openai/v1/ "}).url == (
        "https://api.groq.com/openai/v1/"
    )
    assert read_route({"x-inference-provider-url": "  "}).url is None


@pytest.mark.parametrize(
    ("value", "read"), [("1", 1), (" 2500 ", 2500), (str(MAX_TTFT_TIMEOUT_MS), 300_000), ("", None)]
)
def test_the_ttft_timeout_is_in_milliseconds(value: str, read: int | None) -> None:
    assert read_route({"x-inference-ttft-timeout-ms": value}).ttft_timeout_ms == read


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "1e3", "2s", "٣", str(MAX_TTFT_TIMEOUT_MS + 1), "9" * 5000])
def test_an_invalid_ttft_timeout_is_refused(value: str) -> None:
    with pytest.raises(HeaderMalformed) as refused:
        read_route({"x-inference-ttft-timeout-ms": value})
    assert refused.value.param == "x-inference-ttft-timeout-ms"


def _revealed(route: Route) -> str:
    assert isinstance(route.key, Secret)
    return route.key.reveal()


@pytest.mark.parametrize("value", ["", "  "])
def test_a_blank_header_is_ignored(value: str) -> None:
    names = ("x-inference-fallback", "x-inference-hedge-after-ms", "x-inference-ttft-timeout-ms")
    assert read_route(dict.fromkeys(names, value)) == Route()


def test_a_caller_can_disable_fallback() -> None:
    assert read_route({"x-inference-fallback": " None "}).fallback == ()
