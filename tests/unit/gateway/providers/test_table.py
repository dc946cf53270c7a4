import pytest

from gateway.providers import table
from gateway.providers.provider import Provider

PRIMARY = tuple(provider for provider in table.PROVIDERS if provider.dialect == provider.name)


@pytest.mark.parametrize("provider", PRIMARY, ids=lambda provider: provider.dialect)
def test_a_provider_is_found_by_its_name_and_by_every_name_of_its_models(provider: Provider) -> None:
    assert table.by_name(provider.name) is provider
    for start in provider.models:
        assert table.by_model(f"{start}x") == (provider, f"{start}x")


@pytest.mark.parametrize("provider", table.PROVIDERS, ids=lambda provider: provider.dialect)
def test_a_row_is_found_by_its_dialect(provider: Provider) -> None:
    assert table.by_dialect(provider.dialect) is provider


@pytest.mark.parametrize("provider", table.PROVIDERS, ids=lambda provider: provider.dialect)
def test_a_providers_base_url_is_https_and_on_one_of_its_hosts(provider: Provider) -> None:
    if provider.base_url is not None:
        scheme, _, rest = provider.base_url.partition("://")
        assert scheme == "https"
        found = table.by_host(rest.partition("/")[0])
        assert found is not None
        assert found.name == provider.name


def test_names_dialects_and_model_prefixes_are_unique() -> None:
    names = [provider.name for provider in PRIMARY]
    keys = [provider.dialect for provider in table.PROVIDERS]
    beginnings = [start for provider in table.PROVIDERS for start in provider.models]
    assert len(set(names)) == len(names)
    assert len(set(keys)) == len(keys)
    assert len(set(beginnings)) == len(beginnings)
    assert set(table.names()) == {*names, "gemini"}


def test_a_name_in_any_case_and_an_alias_find_the_provider() -> None:
    assert table.by_name(" Gemini ") is table.by_name("google")
    assert table.by_name("nobody") is None


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("acme.openai.azure.com", "azure"),
        ("acme.cognitiveservices.azure.com", "azure"),
        ("bedrock-runtime.eu-central-1.amazonaws.com", "bedrock"),
        ("api.anthropic.com", "anthropic-openai"),
        ("api.together.ai", "together"),
    ],
)
def test_a_known_host_names_the_dialect(host: str, key: str) -> None:
    found = table.by_host(host)
    assert found is not None
    assert found.dialect == key


@pytest.mark.parametrize("host", ["api.openai.com.example.org", "openai.azure.com", "example.org", ""])
def test_another_host_names_none(host: str) -> None:
    assert table.by_host(host) is None


def test_the_longest_model_prefix_decides() -> None:
    assert _provider("llama3.1-8b") == "cerebras"
    assert _provider("llama-4-scout-17b-16e-instruct") == "cerebras"
    assert _provider("llama-3.1-8b-instant") == "groq"
    assert _provider("meta-llama/llama-4-scout-17b-16e-instruct") == "groq"
    assert _provider("meta-llama/Llama-4-Scout-17B-16E-Instruct") == "together"
    assert _provider("open-mixtral-8x22b") == "mistral"


def test_keys_are_bearer_tokens_except_for_azure_and_anthropics_own_api() -> None:
    styles = {provider.dialect: provider.key_headers("k") for provider in table.PROVIDERS}
    assert styles.pop("azure") == {"api-key": "k"}
    assert styles.pop("anthropic") == {"x-api-key": "k"}
    assert all(headers == {"authorization": "Bearer k"} for headers in styles.values())


def _provider(model: str) -> str:
    found = table.by_model(model)
    assert found is not None
    return found[0].name
