from pathlib import Path

import pytest

import gateway
from gateway.providers import table
from gateway.providers.provider import Provider
from testkit.providers_page import page

REPOSITORY = Path(gateway.__file__).parents[3]
PROVIDERS = REPOSITORY / "functions" / "gateway" / "gateway" / "providers"


def test_the_page_is_current() -> None:
    written = (REPOSITORY / "docs" / "providers.md").read_text()
    assert written == page(), "write it anew: python -m testkit.providers_page > docs/providers.md"


@pytest.mark.parametrize("row", table.PROVIDERS, ids=lambda row: row.dialect)
def test_a_row_is_on_the_page_and_says_where_it_is_documented(row: Provider) -> None:
    _, _, section = page().partition(f"\n## {row.name}\n")
    section, _, _ = section.partition("\n## ")
    assert section
    assert "https://" in section or row.name in {"demo", "generic"}


@pytest.mark.parametrize("row", table.PROVIDERS, ids=lambda row: row.dialect)
def test_every_repair_is_described(row: Provider) -> None:
    for repair in row.repairs:
        assert getattr(repair, "__doc__", None)


def test_contributing_shows_the_current_row() -> None:
    contributing = (REPOSITORY / "CONTRIBUTING.md").read_text()
    assert f"```python\n{(PROVIDERS / 'rows' / 'groq.py').read_text()}```" in contributing
    assert "```text\n    GROQ,\n```" in contributing
    assert "    GROQ,\n" in (PROVIDERS / "table.py").read_text()
