"""`switchboard provider-keys put`: a SecureString under the stack's path, and no key in sight."""

from collections.abc import Callable

import pytest
from typer.testing import Result

from testkit.cloud import no_stack, stack_with

type Switchboard = Callable[..., Result]

KEY = "sk-canary-3f9"
OUTPUTS = {"ProviderKeysPath": "/switchboard/voice/providers"}
STORED = {
    "Name": "/switchboard/voice/providers/openai",
    "Value": KEY,
    "Type": "SecureString",
    "Overwrite": True,
}


def put(switchboard: Switchboard, name: str = "openai", stdin: str = f"{KEY}\n") -> Result:
    return switchboard("provider-keys", "put", name, "--stack", "voice", stdin=stdin)


def test_a_key_from_stdin_becomes_a_secure_string(switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard_cli.provider_keys.boto3.client", stack_with("voice", OUTPUTS, **STORED))
    ended = put(switchboard)
    assert ended.exit_code == 0, ended.output
    assert "/switchboard/voice/providers/openai" in ended.stdout
    assert KEY not in ended.output


@pytest.mark.parametrize(
    ("name", "stdin", "said"),
    [
        ("openai", "\n", "Invalid key"),
        ("openai", "two\nlines\n", "Invalid key"),
        ("openai", "x" * 5000, "Invalid key"),
        ("../other", KEY, "not a provider's name"),
    ],
)
def test_an_invalid_key_is_not_stored(
    name: str, stdin: str, said: str, switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchboard_cli.provider_keys.boto3.client", stack_with("voice", OUTPUTS))
    ended = put(switchboard, name, stdin)
    assert (ended.exit_code, said in ended.stderr) == (1, True)


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (no_stack("voice"), "There is no stack voice"),
        (stack_with("voice", {"Other": "x"}), "has no output ProviderKeysPath"),
    ],
)
def test_a_stack_of_another_kind_is_reported(
    client: Callable[[str], object], said: str, switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchboard_cli.provider_keys.boto3.client", client)
    ended = put(switchboard)
    assert (ended.exit_code, said in ended.stderr) == (1, True)


def test_a_key_cannot_be_an_argument(switchboard: Switchboard) -> None:
    assert switchboard("provider-keys", "put", "openai", KEY, "--stack", "voice").exit_code == 2
