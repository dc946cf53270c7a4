"""The port that `make run` was given."""

import pytest

from switchboard_local.errors import UsageError
from switchboard_local.serve import listen


@pytest.mark.parametrize("port", ["eighty", "-1", "70000", "65536", "", " ", "8e3", "٨٠"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(UsageError, match="PORT must be a number from 1 to 65535"):
        listen(port)


def test_port_0_is_a_free_one() -> None:
    with listen("0") as first, listen("0") as second:
        assert first.getsockname()[0] == second.getsockname()[0] == "127.0.0.1"
        assert first.getsockname()[1] != second.getsockname()[1]
