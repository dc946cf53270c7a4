from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from switchboard_cli.deployments import CREDENTIAL_VARIABLES, REGION_VARIABLES
from switchboard_cli.main import app

type Switchboard = Callable[..., Result]


@pytest.fixture(autouse=True)
def configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The configuration folder of a user who has set and deployed nothing."""
    for name in ("TABLE_NAME", "DYNAMODB_ENDPOINT", *REGION_VARIABLES, *CREDENTIAL_VARIABLES):
        monkeypatch.setenv(name, "")  # so that what the command sets is undone
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    return tmp_path / "configuration"


@pytest.fixture
def switchboard() -> Switchboard:
    """Runs the command line with these arguments."""
    runner = CliRunner()

    def run(*words: str, stdin: str | None = None) -> Result:
        return runner.invoke(app, words, input=stdin)

    return run
