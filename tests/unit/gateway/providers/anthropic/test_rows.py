import pytest

from gateway.providers import table
from gateway.providers.anthropic.row import NATIVE, OPENAI_LAYER, messages_path


@pytest.mark.parametrize(
    ("path", "sent_to"),
    [
        ("", "/v1/messages"),
        ("/", "/v1/messages"),
        ("//", "/v1/messages"),
        ("/v1", "/v1/messages"),
        ("/v1/", "/v1/messages"),
        ("//v1//", "/v1/messages"),
        ("/v1/messages", "/v1/messages"),
        ("/v1/messages/", "/v1/messages"),
        ("/v1/chat/completions", "/v1/messages"),
        ("/chat/completions", "/v1/messages"),
        ("/anthropic", "/anthropic/v1/messages"),
        ("/anthropic/v1", "/anthropic/v1/messages"),
    ],
)
def test_calls_go_to_the_messages_path_of_any_provider_url(path: str, sent_to: str) -> None:
    assert messages_path(path) == sent_to


def test_the_name_and_the_model_mean_the_messages_api_and_the_host_the_openai_layer() -> None:
    assert table.by_name("anthropic") is NATIVE
    assert table.by_model("claude-sonnet-4-6") == (NATIVE, "claude-sonnet-4-6")
    assert table.by_model("anthropic/claude-sonnet-4-6") == (NATIVE, "claude-sonnet-4-6")
    assert table.by_host("api.anthropic.com") is OPENAI_LAYER
    assert table.by_dialect("anthropic") is NATIVE
    assert table.by_dialect("anthropic-openai") is OPENAI_LAYER
    assert NATIVE.name == OPENAI_LAYER.name == "anthropic"


def test_the_key_is_sent_in_each_apis_documented_header() -> None:
    assert NATIVE.key_headers("k") == {"x-api-key": "k"}
    assert NATIVE.headers == {"anthropic-version": "2023-06-01"}
    assert OPENAI_LAYER.key_headers("k") == {"authorization": "Bearer k"}
