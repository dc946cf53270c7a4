"""A start that fails prints one sentence and returns an exit code."""

from pathlib import Path

import pytest

from switchboard_local.engine import Engine, EngineFailed, EngineMissing
from switchboard_local.main import main


@pytest.mark.parametrize("refused", [EngineMissing(), EngineFailed("The DynamoDB engine ended at its start: broken")])
def test_without_an_engine_the_start_fails_with_its_message(
    refused: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_engine(_engine: Engine) -> None:
        raise refused

    monkeypatch.setattr(Engine, "spawn", no_engine)
    assert main(["--port", "0", "--data-dir", str(tmp_path)], {}) == 1
    assert capsys.readouterr().err.strip() == str(refused)
    assert not (tmp_path / "running.json").exists()
