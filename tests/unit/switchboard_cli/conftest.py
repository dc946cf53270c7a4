from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from switchboard_cli.main import app

type Switchboard = Callable[..., Result]


@pytest.fixture
def switchboard(monkeypatch: pytest.MonkeyPatch) -> Switchboard:
    """Runs the command line with these arguments."""
    for name in ("TABLE_NAME", "DYNAMODB_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    runner = CliRunner()

    def run(*words: str, stdin: str | None = None) -> Result:
        return runner.invoke(app, words, input=stdin)

    return run
