import pytest

from console.settings import Settings
from switchboard.settings import SettingsInvalid


def test_reads_each_field_from_its_variable() -> None:
    settings = Settings.from_env({"TABLE_NAME": " traces ", "DYNAMODB_ENDPOINT": "http://127.0.0.1:1"})
    assert settings == Settings(table_name="traces", dynamodb_endpoint="http://127.0.0.1:1")


def test_the_endpoint_is_aws_by_default() -> None:
    assert Settings.from_env({"TABLE_NAME": "traces"}) == Settings("traces", "")


@pytest.mark.parametrize("environment", [{}, {"TABLE_NAME": " "}, {"DYNAMODB_ENDPOINT": "http://127.0.0.1:1"}])
def test_names_what_is_missing(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid, match="TABLE_NAME"):
        Settings.from_env(environment)
