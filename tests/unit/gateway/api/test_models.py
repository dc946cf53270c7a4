from typing import Any, cast

import pytest

from gateway.api.models import DEMO, MODELS, listing
from gateway.providers import table


@pytest.mark.parametrize("model", [*MODELS, DEMO], ids=lambda model: model.name)
def test_a_listed_model_is_routed_to_its_owner(model: Any) -> None:
    found = table.by_model(model.name)
    assert found is not None
    assert (found[0].name, found[1]) == (model.owner, model.name)
    assert 0 < model.output_tokens <= model.context_tokens


def test_names_are_listed_once() -> None:
    names = [model.name for model in MODELS]
    assert len(set(names)) == len(names)


def test_the_list_has_openais_format_and_the_limits() -> None:
    listed = listing(with_demo=False)
    assert listed["object"] == "list"
    rows = {row["id"]: row for row in cast("list[dict[str, Any]]", listed["data"])}
    assert set(rows) == {model.name for model in MODELS}
    assert rows["gpt-4o"] == {
        "id": "gpt-4o",
        "object": "model",
        "created": 0,
        "owned_by": "openai",
        "context_window": 128_000,
        "max_completion_tokens": 4_096,
    }


def test_with_the_demo_provider_its_model_is_listed_first() -> None:
    rows = cast("list[dict[str, Any]]", listing(with_demo=True)["data"])
    assert [row["id"] for row in rows] == [DEMO.name, *(model.name for model in MODELS)]
