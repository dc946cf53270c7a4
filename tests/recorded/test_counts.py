"""The counts on the page are those of the recordings."""

import json

from testkit.recorded import needs_recorded
from testkit.recorded_counts import COUNTS, counted

pytestmark = needs_recorded


def test_the_page_counts_what_is_recorded() -> None:
    assert json.loads(COUNTS.read_text()) == counted(), "count anew: python -m testkit.recorded_counts"


def test_every_rule_is_needed() -> None:
    assert [name for name, number in counted()["rules"].items() if not number] == []
