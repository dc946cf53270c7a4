"""docs/limits.md has a line for every bound in the module of limits, with its value."""

import re
from pathlib import Path

import pytest

import switchboard
from switchboard.domain import limits

PAGE = Path(switchboard.__file__).parents[3] / "docs" / "limits.md"
LINE = re.compile(r"^\| .+ \| (?P<value>[\d,]+) (?P<unit>[\w-]+) \| .+ \| `(?P<name>[A-Z_]+)` \|$", re.MULTILINE)
LIMITS = {name: value for name, value in vars(limits).items() if name.isupper()}
LINES = {line["name"]: line for line in LINE.finditer(PAGE.read_text(encoding="utf-8"))}
FACTORS = {"MB": 1024**2, "KB": 1024, "USD": 10**12, "s": 1000, "days": 24 * 3_600_000}


def test_the_page_has_every_limit_and_no_other() -> None:
    assert set(LINES) == set(LIMITS)


@pytest.mark.parametrize("name", LIMITS)
def test_the_page_has_its_value(name: str) -> None:
    line = LINES[name]
    assert int(line["value"].replace(",", "")) * FACTORS.get(line["unit"], 1) == LIMITS[name]


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_names_its_unit(name: str) -> None:
    units = ("BYTES", "CHARACTERS", "MS", "USD", "LEVELS", "TOKENS")
    things = (
        "MESSAGES",
        "LINES",
        "MODELS",
        "LOOKUPS",
        "VALUES",
        "CHOICES",
        "CALLS",
        "ENTRIES",
        "NAMES",
        "NOTES",
        "POLICIES",
        "ATTEMPTS",
        "TARGETS",
        "SECRETS",
        "KEYS",
        "MEMBERS",
        "BLOCKS",
        "SEARCHES",
        "ROWS",
        "DAYS",
        "PATTERNS",
        "PRICES",
        "TIERS",
        "CORRECTIONS",
    )
    assert name.endswith((*units, *things))
