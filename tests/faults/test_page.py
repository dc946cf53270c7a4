"""`docs/failures.md` is current: it has every fault that runs and every outcome."""

from pathlib import Path

import gateway
from gateway.api.error_answers import FAILURES
from testkit.failures_page import page
from testkit.faults import FAULTS

PAGE = Path(gateway.__file__).parents[3] / "docs" / "failures.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "regenerate it: python -m testkit.failures_page > docs/failures.md"


def test_the_page_has_a_row_for_every_fault_and_every_outcome() -> None:
    first_cells = [line.split(" | ")[0].removeprefix("| ") for line in page().splitlines() if line.startswith("| ")]
    assert first_cells == [
        "fault",
        *(fault.name for fault in FAULTS),
        "outcome",
        *(f"`{kind.__name__}`" for kind in FAILURES),
    ]
