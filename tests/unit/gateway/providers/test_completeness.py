"""A provider of the table is everywhere else that names each provider; a failure names the file to edit."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import gateway
from cost_aggregator.price_library import LIBRARY_NAMES, UNPRICED_PROVIDERS
from gateway.providers import table
from gateway.providers.provider import Provider
from switchboard.domain.provider_names import PROVIDER_NAMES
from testkit.twins.provider_twins import DIALECTS

REPOSITORY = Path(gateway.__file__).parents[3]

ROWS = pytest.mark.parametrize("row", table.PROVIDERS, ids=lambda row: row.dialect)
NO_UPSTREAM = {"demo"}
"""Has neither twin nor error bodies: it is this project's own (`local/switchboard_local/demo.py`)."""
NO_ADDRESS = {"demo", "generic"}
"""Is not named to callers: the first is for one machine alone, the second is any address that no row knows."""


@ROWS
def test_policies_may_name_the_provider(row: Provider) -> None:
    file = "layers/switchboard/switchboard/domain/provider_names.py"
    assert row.name in PROVIDER_NAMES, f"add {row.name!r} to PROVIDER_NAMES in {file}"


@ROWS
def test_the_provider_has_prices_or_is_known_to_have_none(row: Provider) -> None:
    file = "functions/cost_aggregator/cost_aggregator/price_library.py"
    assert row.name in LIBRARY_NAMES.keys() | UNPRICED_PROVIDERS | {"generic"}, (
        f"add {row.name!r} to LIBRARY_NAMES in {file}, or to UNPRICED_PROVIDERS if genai-prices does not have it"
    )


@ROWS
def test_the_row_has_a_twin(row: Provider) -> None:
    assert row.dialect in {twin.name for twin in DIALECTS} | NO_UPSTREAM, (
        f"write a twin named {row.dialect!r} in a module of tests/kit/testkit/twins (hosted_models.py, laboratories.py,"
        " …), and add it to DIALECTS in tests/kit/testkit.twins.provider_twins.py"
    )


@ROWS
def test_the_rows_error_bodies_are_tested(row: Provider) -> None:
    bodies = {dialect for dialect, *_ in _module("test_errors").BODIES}
    assert row.dialect in bodies | NO_UPSTREAM, (
        f"add an error body of {row.dialect!r} to BODIES in tests/unit/gateway/providers/test_errors.py"
    )


@ROWS
def test_the_row_is_on_the_generated_pages(row: Provider) -> None:
    assert f"\n## {row.name}\n" in _text("docs/providers.md"), (
        f"run `make pages`: {row.name!r} is not in docs/providers.md"
    )
    assert row.dialect in NO_UPSTREAM or f"\n| {row.dialect} |" in _text("docs/conformance.md"), (
        f"run `make pages`: {row.dialect!r} is not in docs/conformance.md"
    )


@ROWS
def test_callers_are_told_the_providers_name(row: Provider) -> None:
    assert row.name in NO_ADDRESS or f"`{row.name}`" in _text("README.md"), (
        f"add `{row.name}` to the header x-inference-provider in README.md"
    )


@pytest.mark.parametrize(
    "file", sorted((Path(table.__file__).parent / "rows").glob("[a-z]*.py")), ids=lambda it: it.stem
)
def test_a_file_of_rows_is_in_the_table(file: Path) -> None:
    names = {row.name for row in table.PROVIDERS}
    assert file.stem in names, (
        f"add the row of {file.name} to PROVIDERS in functions/gateway/gateway/providers/table.py"
    )


def _text(path: str) -> str:
    return (REPOSITORY / path).read_text(encoding="utf-8")


def _module(name: str) -> ModuleType:
    """A test module of this folder; the folder is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
