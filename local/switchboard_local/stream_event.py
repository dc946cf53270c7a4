"""Converts a record of a DynamoDB stream to the format in which Lambda passes it to a function."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def to_lambda(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    """The record with its stream's ARN, times in seconds and bytes in base64."""
    return {**{name: _plain(value) for name, value in record.items()}, "eventSourceARN": stream_arn}


def _plain(value: object) -> object:
    match value:
        case Mapping():
            return {name: _plain(inner) for name, inner in value.items()}
        case list() | set() | tuple():
            return [_plain(inner) for inner in value]
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.timestamp()
        case _:
            return value
