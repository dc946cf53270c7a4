"""The name of a data folder's table. It has a random part, so that no other folder's engine has a table of that name.

A process that took the engine's port, or a file from another folder, is then recognised: no wrong data is read, and
nothing is written to it.
"""

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from switchboard_local.data_dir import DataDir
from switchboard_local.errors import CannotStart, refused_as
from switchboard_local.local_environment import DEFAULT_TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NAME = re.compile(r"[A-Za-z0-9_.-]{11,255}")


def own_table(data: DataDir, client: "DynamoDBClient", environment: Mapping[str, str]) -> str:
    """The name that the user set; else the one in the folder's file, else that of the engine's table, else a new one.

    The file then has the name. Raises CannotStart if the engine has tables of other folders only, and botocore's
    errors.
    """
    if chosen := environment.get("TABLE_NAME", "").strip():
        return chosen
    kept = _read(data)
    names = [name for page in client.get_paginator("list_tables").paginate() for name in page["TableNames"]]
    found = [name for name in names if name.startswith(DEFAULT_TABLE)]
    if kept in found:
        return kept
    if found and (kept or len(found) > 1):
        raise CannotStart(
            f"The database in {data.path} has the table {' and '.join(found)}, not the one that {data.table} names: "
            "it belongs to another folder. Put its own database back, or write the table's name into that file."
        )
    name = kept or (found[0] if found else f"{DEFAULT_TABLE}-{secrets.token_hex(8)}")
    with refused_as(f"The file {data.table} cannot be written"):
        data.table.write_text(name + "\n")
    return name


def _read(data: DataDir) -> str:
    """The name in the file; empty if there is none, or it has no name."""
    try:
        text = data.table.read_text().strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
    except OSError as error:
        raise CannotStart(f"The file {data.table} cannot be read: {error.strerror}.") from error
    return text if _NAME.fullmatch(text) else ""
