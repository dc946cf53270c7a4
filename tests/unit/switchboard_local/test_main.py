"""A start that fails prints one sentence and returns an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from switchboard_local.engine import EngineFailed, EngineMissing
from switchboard_local.main import main


@pytest.mark.parametrize("refused", [EngineMissing(), EngineFailed("The DynamoDB engine ended at its start: broken")])
def test_without_an_engine_the_start_fails_with_its_message(
    refused: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def no_engine(_data_dir: Path) -> Iterator[str]:
        raise refused
        yield

    monkeypatch.setattr("switchboard_local.main.running_engine", no_engine)
    assert main(["--port", "0", "--data-dir", str(tmp_path)], {}) == 1
    assert capsys.readouterr().err.strip() == str(refused)
    assert not (tmp_path / "running.json").exists()
