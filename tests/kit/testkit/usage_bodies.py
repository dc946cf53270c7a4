"""Recorded usage bodies of real providers: a file that SWITCHBOARD_USAGE_BODIES names, one JSON object a line."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "SWITCHBOARD_USAGE_BODIES"
MISSING = f"{VARIABLE} names no file of usage bodies"


def recorded_usage(dialect: str) -> list[Any]:
    """The dialect's lines as a test's parameters. If the variable names no file, one that is skipped."""
    path = os.environ.get(VARIABLE)
    if not path:
        return [pytest.param(None, marks=pytest.mark.skip(MISSING))]
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    return [
        pytest.param(line, id=f"{number}-{line['model']}")
        for number, line in enumerate(lines, start=1)
        if line["dialect"] == dialect
    ]
