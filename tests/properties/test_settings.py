from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.call import Capture
from gateway.settings import Settings
from switchboard.settings import SettingsInvalid

NAMES = [field.name.upper() for field in fields(Settings)]
NUMBERS = {"RETENTION_DAYS", "RETRY_BACKOFF_MS", "STALL_TIMEOUT_MS", "CALL_TIMEOUT_MS", "MAX_ANSWER_MB", "MAX_MESSAGES"}
PLAIN = st.text(max_size=12)
VALUES = st.one_of(
    PLAIN,
    st.integers(-3, 10**6).map(str),
    st.sampled_from(
        ["full", "NONE", " metadata ", "demo=http://localhost:8002/v1", "a=b", "localhost:80", "http://x", "{}", ""]
    ),
)
ENVIRONMENTS = st.dictionaries(st.sampled_from(NAMES) | PLAIN, VALUES)


@settings(max_examples=200, deadline=None)
@given(ENVIRONMENTS)
def test_an_environment_gives_settings_or_an_error_that_names_every_problem(environment: dict[str, str]) -> None:
    wrong = {name for name in NAMES if _is_wrong_alone(name, environment.get(name, ""))}
    if not wrong:
        read = Settings.from_env(environment)
        assert isinstance(read.capture, Capture)
        assert min(read.retention_days, read.retry_backoff_ms, read.stall_timeout_ms, read.call_timeout_ms) > 0
        assert all(url.startswith("http") for url in read.base_urls().values())
        return
    with pytest.raises(SettingsInvalid) as invalid:
        Settings.from_env(environment)
    assert all(name in str(invalid.value) for name in wrong)


def _is_wrong_alone(name: str, value: str) -> bool:
    try:
        Settings.from_env({"TABLE_NAME": "t"} | {name: value})
    except SettingsInvalid as invalid:
        return str(invalid).startswith(f"{name} ")
    return False


@settings(max_examples=120, deadline=None)
@given(st.fixed_dictionaries({name: st.integers(1, 10**9) for name in sorted(NUMBERS)}))
def test_every_number_is_parsed(numbers: dict[str, int]) -> None:
    read = Settings.from_env({"TABLE_NAME": "t"} | {name: f" {number} " for name, number in numbers.items()})
    assert {name: getattr(read, name.lower()) for name in numbers} == numbers


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(NUMBERS)), st.one_of(st.integers(max_value=0).map(str), st.floats().map(str), PLAIN))
def test_a_value_that_is_not_a_number_is_refused(name: str, value: str) -> None:
    is_empty = not value.strip()
    is_number = value.strip().isascii() and value.strip().isdigit() and int(value) > 0
    if is_empty or is_number:
        assert Settings.from_env({"TABLE_NAME": "t", name: value}).table_name == "t"
    else:
        with pytest.raises(SettingsInvalid, match=f"^{name} "):
            Settings.from_env({"TABLE_NAME": "t", name: value})
