"""The environments of samconfig.toml."""

from pathlib import Path

import pytest

from switchboard_cli.environments import Environment, read_environment
from switchboard_cli.failure import CommandFailed

REPOSITORY = Path(__file__).parents[3]


def read(folder: Path, text: str) -> Environment:
    file = folder / "samconfig.toml"
    file.write_text(text)
    return read_environment("voice", file)


@pytest.mark.parametrize(
    ("written", "overrides"),
    [
        ('["Capture=none", "Redact=none"]', ("Capture=none", "Redact=none")),
        ('\'Capture="none" Redact="none"\'', ('Capture="none" Redact="none"',)),
        ('{Capture = "none", Redact = ["cards", "keys"]}', ('Capture="none"', 'Redact="cards,keys"')),
        ('{RedactPatterns = \'{"a":"x"}\'}', ('RedactPatterns="{\\"a\\":\\"x\\"}"',)),
    ],
)
def test_parameters_are_read_in_each_form_that_sam_takes(
    written: str, overrides: tuple[str, ...], tmp_path: Path
) -> None:
    assert read(tmp_path, f"[voice.deploy.parameters]\nparameter_overrides = {written}\n").overrides == overrides


def test_what_deploy_says_outranks_what_applies_to_every_command(tmp_path: Path) -> None:
    text = """
        [voice.global.parameters]
        region = "us-east-1"
        profile = "work"
        [voice.deploy.parameters]
        region = "eu-central-1"
        stack_name = "voice-1"
        s3_bucket = "packages"
    """
    found = read(tmp_path, text)
    assert found == Environment("voice", "voice-1", "eu-central-1", "work", has_bucket=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [("version = 0.1\n[other.deploy.parameters]\n", "It has: other."), ("version =", "is not valid TOML")],
)
def test_a_file_without_the_environment_is_reported(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=said):
        read(tmp_path, text)


def test_another_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="run this in Switchboard's folder"):
        read_environment("default", tmp_path / "samconfig.toml")


def test_each_environment_of_the_repository_has_a_stack_of_its_own() -> None:
    found = [read_environment(name, REPOSITORY / "samconfig.toml") for name in ("default", "staging", "production")]
    assert [each.stack for each in found] == ["switchboard", "switchboard-staging", "switchboard-production"]
    assert {each.region for each in found} == {None}, "the region is the operator's"
