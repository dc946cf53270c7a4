"""The data folder is private, whoever made it and with whatever modes; a start that cannot use it says why."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from switchboard_local.data_dir import locked_data_dir
from switchboard_local.errors import CannotStart, refused_as

OWN = [
    "dynamodb.sqlite",
    "dynamodb.sqlite-wal",
    "gateway.log",
    "gateway.log.1",
    "engine.log",
    "stream.json",
    "gateway-key",
]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_modes_of_earlier_files_are_mended(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for name in OWN:
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    with locked_data_dir(tmp_path):
        assert mode(tmp_path) == 0o700
        assert {name: mode(tmp_path / name) for name in OWN} == dict.fromkeys(OWN, 0o600)


def test_a_second_run_is_refused_where_the_locks_file_was_deleted(tmp_path: Path) -> None:
    with locked_data_dir(tmp_path) as data:
        (tmp_path / "lock").unlink()
        data.write_running(table="t", endpoint="e")
        with pytest.raises(CannotStart, match="Another Switchboard is running"), locked_data_dir(tmp_path):
            pass
        assert data.running.exists()
    with locked_data_dir(tmp_path):
        pass


def test_what_is_created_while_it_is_open_is_private(tmp_path: Path) -> None:
    earlier = os.umask(0o022)
    try:
        with locked_data_dir(tmp_path / "deep" / "data") as data:
            data.write_running(table="t", endpoint="e")
            (data.path / "later").touch()
            assert [mode(path) for path in (data.path, data.running, data.path / "lock", data.path / "later")] == [
                *(0o700, 0o600, 0o600, 0o600)
            ]
        (tmp_path / "other").touch()
        assert mode(tmp_path / "other") == 0o644
    finally:
        os.umask(earlier)


def test_files_of_others_and_what_links_lead_to_keep_their_modes(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    folder.mkdir()
    for path in (folder / "run.sh", elsewhere):
        path.touch()
        path.chmod(0o755)
    (folder / "gateway.log").symlink_to(elsewhere)
    with locked_data_dir(folder):
        assert (mode(folder / "run.sh"), mode(elsewhere)) == (0o755, 0o755)


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(CannotStart, match=r"is a file\. Choose another DATA_DIR"), locked_data_dir(tmp_path / "data"):
        pass


def test_a_folder_that_cannot_be_made_private_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a folder of another user."""

    def refuse(_path: Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(CannotStart, match="cannot be closed to other users: Operation not"), locked_data_dir(tmp_path):
        pass


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=20_480)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    with pytest.raises(CannotStart, match="is full: 20 KB are free"), locked_data_dir(tmp_path):
        pass


@pytest.mark.parametrize("name", ["lock", "running.json"])
def test_a_folder_in_a_files_place_is_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with (
        pytest.raises(CannotStart, match=f"{name}: Is a directory"),
        locked_data_dir(tmp_path) as data,
        refused_as("The folder cannot be used"),
    ):
        data.write_running(table="t", endpoint="e")
