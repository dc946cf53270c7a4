"""The first gateway key: created on the first run, stored in a file that only its owner can read."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from switchboard.domain.keys import PREFIX, GatewayKey, Scope, digest, mint
from switchboard.store.ports import KeyStore
from switchboard_local.errors import CannotStart

PROJECT = "default"
NAME = "first key of this machine"


def first_key(path: Path, store: KeyStore, now: Callable[[], datetime]) -> str:
    """The text of the key in that file, or of a new key if there is no file. The store has the key afterwards.

    Raises CannotStart if the file contains something else, and StoreUnavailable.
    """
    text = _read(path) or _write_new(path)
    if store.find_key(digest(text)) is None:
        store.put_key(GatewayKey(digest(text), PROJECT, frozenset(Scope), now(), NAME))
    return text


def _read(path: Path) -> str | None:
    try:
        text = path.read_text().strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(f"The gateway key in {path} cannot be read: {error}.") from error
    if not text.startswith(PREFIX):
        raise CannotStart(f"{path} contains no gateway key. Delete it, and the next start creates one.")
    return text


def _write_new(path: Path) -> str:
    """Write the file whole or not at all: a full disk, or a kill meanwhile, leaves none that holds no key."""
    text = mint()
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    unfinished.replace(path)
    return text
