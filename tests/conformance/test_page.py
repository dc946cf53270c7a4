"""`docs/conformance.md` matches the cells that run."""

from pathlib import Path

import gateway
from testkit.twins.matrix import Behaviour, page
from testkit.twins.provider_twins import DIALECTS

PAGE = Path(gateway.__file__).parents[3] / "docs" / "conformance.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "write it anew: python -m testkit.twins.matrix > docs/conformance.md"


def test_the_page_has_a_cell_for_every_provider_and_behaviour() -> None:
    table, _, _ = page().partition("\n## ")
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [dialect.name for dialect in DIALECTS]
    assert all(row.count("s w") == len(Behaviour) for row in rows)
