"""What a test needs and a machine may not have."""

import os
from typing import Never

import pytest


def missing(what: str) -> Never:
    """Skip the test because this is missing; in CI it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
