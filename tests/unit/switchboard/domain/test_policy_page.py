"""`docs/policies.md` names every field, and its examples are policies."""

import json
import re
from pathlib import Path

import pytest

from switchboard.domain.policy_json import POLICY_FIELDS, read_fallback, read_policy

PAGE = (Path(__file__).parents[4] / "docs" / "policies.md").read_text()
EXAMPLES = [*re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL), *re.findall(r"-d '(.*?)'", PAGE)]


def test_the_page_lists_every_field_in_order() -> None:
    assert re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE) == list(POLICY_FIELDS)


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_a_policy(text: str) -> None:
    assert len(EXAMPLES) == 2
    read_policy(json.loads(text))


def test_the_headers_example_is_a_fallback() -> None:
    (example,) = re.findall(r"^\| `x-inference-fallback` \| `fallback`: `(.*)` \|$", PAGE, re.MULTILINE)
    assert len(read_fallback(example)) == 2
