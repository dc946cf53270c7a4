"""Reads the environments of `samconfig.toml`: SAM's settings, one set for each of several stacks."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchboard_cli.failure import CommandFailed

CONFIGURATION = Path("samconfig.toml")
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Environment:
    """What an environment says about deployments. `overrides` are template parameters as SAM takes them, `Name=value`;
    `has_bucket` is whether it names the S3 bucket of the packages."""

    name: str
    stack: str | None = None
    region: str | None = None
    profile: str | None = None
    overrides: tuple[str, ...] = ()
    has_bucket: bool = False


def read_environment(name: str, file: Path = CONFIGURATION) -> Environment:
    """The environment of that name. Raises CommandFailed.

    SAM ignores an unknown name; a misspelled one would then deploy with the default parameters.
    """
    try:
        written = tomllib.loads(file.read_text())
    except OSError as error:
        raise CommandFailed(f"There is no {file} here: run this in Switchboard's folder.") from error
    except tomllib.TOMLDecodeError as error:
        raise CommandFailed(f"{file} is not valid TOML: {error}") from error
    known = [key for key, value in written.items() if isinstance(value, dict)]
    if name not in known:
        raise CommandFailed(f'{file} has no environment "{name}". It has: {", ".join(known)}.')
    values = _parameters(written[name], "global") | _parameters(written[name], "deploy")
    return Environment(
        name,
        stack=values.get("stack_name"),
        region=values.get("region"),
        profile=values.get("profile"),
        overrides=tuple(_overrides(values.get("parameter_overrides", []))),
        has_bucket=bool(values.get("s3_bucket")),
    )


def _parameters(environment: dict[str, Any], command: str) -> dict[str, Any]:
    found: dict[str, Any] = environment.get(command, {}).get("parameters", {})
    return found


def _overrides(written: Any) -> Iterator[str]:  # noqa: ANN401 — SAM allows a string, a list and a table
    if isinstance(written, str):
        yield written
    elif isinstance(written, dict):
        for name, value in written.items():
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            yield '{}="{}"'.format(name, text.replace('"', '\\"'))
    else:
        for entry in written:
            yield from _overrides(entry)
