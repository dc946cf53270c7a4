from dataclasses import fields

import pytest

from gateway.domain.call import Capture
from gateway.settings import Settings
from switchboard.domain.policy import FallbackTarget, Policy
from switchboard.settings import SettingsInvalid

EVERYTHING = {
    "TABLE_NAME": "switchboard",
    "RETENTION_DAYS": "7",
    "CAPTURE": "Metadata",
    "PRIVATE_PROVIDER_HOSTS": "localhost, 10.0.0.5:8000, [::1]:8080",
    "PROVIDER_BASE_URLS": "Demo=http://127.0.0.1:8002/v1, azure=https://acme.openai.azure.com/openai/v1?a=b=c",
    "PROVIDER_KEYS_PATH": "/switchboard/provider-keys",
    "KEYLESS_PROVIDERS": "demo",
    "DYNAMODB_ENDPOINT": "http://127.0.0.1:8001",
    "DEFAULT_POLICY": '{"fallback": ["groq/llama-3.3-70b-versatile"], "ttft_timeout_ms": 4000}',
    "HEDGE_BUDGET_PERCENT": "10",
    "RETRY_BUDGET_PERCENT": "0",
    "RETRY_BACKOFF_MS": "100",
    "TURN_LOOK_MS": "500",
    "STALL_TIMEOUT_MS": "5000",
    "CALL_TIMEOUT_MS": "60000",
    "MAX_ANSWER_MB": "64",
    "MAX_MESSAGES": "500",
    "REDACT": "phone, Cards",
    "REDACT_PATTERNS": '{"account": "ACC-[0-9]{8}"}',
}


def test_a_table_is_all_that_must_be_named() -> None:
    assert Settings.from_env({"TABLE_NAME": "t", "PATH": "/bin"}) == Settings(table_name="t")


def test_every_field_is_read_from_the_variable_of_its_name() -> None:
    assert {field.name.upper() for field in fields(Settings)} == set(EVERYTHING)
    assert Settings.from_env(EVERYTHING) == Settings(
        table_name="switchboard",
        retention_days=7,
        capture=Capture.METADATA,
        private_provider_hosts="localhost, 10.0.0.5:8000, [::1]:8080",
        provider_base_urls=EVERYTHING["PROVIDER_BASE_URLS"],
        provider_keys_path="/switchboard/provider-keys",
        keyless_providers="demo",
        dynamodb_endpoint="http://127.0.0.1:8001",
        default_policy=Policy(fallback=(FallbackTarget("groq", "llama-3.3-70b-versatile"),), ttft_timeout_ms=4000),
        hedge_budget_percent=10,
        retry_budget_percent=0,
        retry_backoff_ms=100,
        turn_look_ms=500,
        stall_timeout_ms=5000,
        call_timeout_ms=60000,
        max_answer_mb=64,
        max_messages=500,
        redact=("cards", "phone"),
        redact_patterns={"account": "ACC-[0-9]{8}"},
    )


def test_base_urls_go_by_provider() -> None:
    assert Settings.from_env(EVERYTHING).base_urls() == {
        "demo": "http://127.0.0.1:8002/v1",
        "azure": "https://acme.openai.azure.com/openai/v1?a=b=c",
    }
    assert Settings("t").base_urls() == {}


def test_empty_variables_mean_the_default() -> None:
    empty = dict.fromkeys(EVERYTHING, " ") | {"TABLE_NAME": "t"}
    assert Settings.from_env(empty) == Settings("t")


def test_spaces_around_a_value_do_not_count() -> None:
    assert Settings.from_env({"TABLE_NAME": " t\n", "RETENTION_DAYS": " 7 "}) == Settings("t", retention_days=7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TABLE_NAME", ""),
        ("RETENTION_DAYS", "0"),
        ("RETENTION_DAYS", "-1"),
        ("RETENTION_DAYS", "a month"),
        ("RETENTION_DAYS", "٣"),
        ("DEFAULT_POLICY", "4s"),
        ("DEFAULT_POLICY", '{"ttft_timeout": 4000}'),
        ("HEDGE_BUDGET_PERCENT", "101"),
        ("RETRY_BUDGET_PERCENT", "-1"),
        ("RETRY_BACKOFF_MS", "0"),
        ("STALL_TIMEOUT_MS", "1e3"),
        ("CALL_TIMEOUT_MS", "1.5"),
        ("MAX_ANSWER_MB", "0"),
        ("CAPTURE", "all"),
        ("PROVIDER_BASE_URLS", "demo"),
        ("PROVIDER_BASE_URLS", "demo=127.0.0.1:8002"),
        ("PROVIDER_BASE_URLS", "demo=httpx"),
        ("PRIVATE_PROVIDER_HOSTS", "http://localhost:11434"),
        ("PRIVATE_PROVIDER_HOSTS", "localhost/v1"),
        ("PRIVATE_PROVIDER_HOSTS", "localhost 10.0.0.5"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=rf"^{name} "):
        Settings.from_env({"TABLE_NAME": "t"} | {name: value})


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(SettingsInvalid) as wrong:
        Settings.from_env({"RETENTION_DAYS": "x", "CAPTURE": "y", "CALL_TIMEOUT_MS": "0"})
    problems = str(wrong.value).split("; ")
    assert [problem.split()[0] for problem in problems] == [
        "TABLE_NAME",
        "RETENTION_DAYS",
        "CAPTURE",
        "CALL_TIMEOUT_MS",
    ]
