"""The local parts are added to what the user set, not put in its place."""

from gateway.settings import Settings
from switchboard_local.surroundings import surroundings

ENDPOINT = "http://127.0.0.1:9"


def test_a_bare_environment_gets_all_it_needs() -> None:
    settings = Settings.from_env(surroundings({}, port=8000, endpoint=ENDPOINT))
    assert settings.dynamodb_endpoint == ENDPOINT
    assert settings.base_urls() == {"demo": "http://127.0.0.1:8000/demo/v1"}
    assert settings.private_provider_hosts == "127.0.0.1:8000"
    assert settings.keyless_providers == "demo"


def test_the_users_own_settings_stay() -> None:
    own = {
        "TABLE_NAME": "mine",
        "PRIVATE_PROVIDER_HOSTS": "box:11434",
        "PROVIDER_BASE_URLS": "azure=https://mine.openai.azure.com/openai/v1",
        "KEYLESS_PROVIDERS": "generic",
        "OPENAI_API_KEY": "k",
    }
    found = surroundings(own, port=8000, endpoint=ENDPOINT)
    settings = Settings.from_env(found)
    assert settings.table_name == "mine"
    assert settings.private_provider_hosts.split(",") == ["box:11434", "127.0.0.1:8000"]
    assert set(settings.base_urls()) == {"azure", "demo"}
    assert settings.keyless_providers.split(",") == ["generic", "demo"]
    assert found["OPENAI_API_KEY"] == "k"
