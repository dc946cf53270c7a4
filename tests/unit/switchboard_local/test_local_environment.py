"""The local settings are added to the user's and replace none of them."""

import re

from gateway.settings import Settings
from switchboard_local.local_environment import local_environment

ENDPOINT = "http://127.0.0.1:9"


def test_an_empty_environment_gets_every_local_setting() -> None:
    settings = Settings.from_env(local_environment({}, port=8000, endpoint=ENDPOINT))
    assert settings.dynamodb_endpoint == ENDPOINT
    (demo,) = settings.base_urls().values()
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/demo/v1/[\w-]{22}", demo)
    assert settings.private_provider_hosts == "127.0.0.1:8000"
    assert settings.keyless_providers == "demo"


def test_the_users_settings_are_kept() -> None:
    own = {
        "TABLE_NAME": "mine",
        "PRIVATE_PROVIDER_HOSTS": "box:11434",
        "PROVIDER_BASE_URLS": "azure=https://mine.openai.azure.com/openai/v1",
        "KEYLESS_PROVIDERS": "generic",
        "OPENAI_API_KEY": "k",
    }
    found = local_environment(own, port=8000, endpoint=ENDPOINT)
    settings = Settings.from_env(found)
    assert settings.table_name == "mine"
    assert settings.private_provider_hosts.split(",") == ["box:11434", "127.0.0.1:8000"]
    assert set(settings.base_urls()) == {"azure", "demo"}
    assert settings.keyless_providers.split(",") == ["generic", "demo"]
    assert found["OPENAI_API_KEY"] == "k"


def test_each_start_has_a_path_of_its_own_for_the_demo() -> None:
    starts = [local_environment({}, port=8000, endpoint=ENDPOINT)["PROVIDER_BASE_URLS"] for _ in range(2)]
    assert starts[0] != starts[1]
