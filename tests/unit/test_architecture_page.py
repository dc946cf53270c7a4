"""`docs/architecture.md` names paths that exist, and every package of the gateway and the layer."""

import re
from pathlib import Path

import pytest

import console
import cost_aggregator
import gateway
import response_streaming
import switchboard
import switchboard_cli
import switchboard_local

REPOSITORY = Path(gateway.__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
MODULES = [console, cost_aggregator, gateway, response_streaming, switchboard, switchboard_cli, switchboard_local]
PACKAGES = {module.__name__: Path(module.__file__ or "").parent for module in MODULES}
PATHS = sorted(set(re.findall(r"`([a-z_]+/[a-z_/]*(?:\.py)?)`", PAGE)))
FOLDERS = dict(re.findall(r"^\| `([a-z_]+)/` \| `([a-z_/]+)` \|$", PAGE, re.MULTILINE))


def _parts(name: str) -> list[str]:
    """The packages within a package, and the modules directly in it."""
    root = PACKAGES[name]
    packages = (marker.parent for marker in root.glob("*/**/__init__.py"))
    modules = (module for module in root.glob("*.py") if module.name != "__init__.py")
    return [f"{name}/{path.relative_to(root)}/" for path in packages] + [f"{name}/{path.name}" for path in modules]


@pytest.mark.parametrize("path", [path for path in PATHS if path.split("/")[0] in PACKAGES])
def test_a_path_on_the_page_exists(path: str) -> None:
    name, _, within = path.partition("/")
    found = PACKAGES[name] / within
    assert found.is_file() if path.endswith(".py") else found.is_dir(), f"{path} in docs/architecture.md does not exist"


@pytest.mark.parametrize("path", [path for path in PATHS if path.split("/")[0] not in PACKAGES])
def test_any_other_path_on_the_page_exists(path: str) -> None:
    assert (REPOSITORY / path).exists(), f"{path} in docs/architecture.md does not exist"


def test_the_page_says_in_which_folder_each_package_is() -> None:
    assert {name: REPOSITORY / folder for name, folder in FOLDERS.items()} == PACKAGES


@pytest.mark.parametrize("name", ["gateway", "switchboard"])
def test_every_package_is_on_the_page(name: str) -> None:
    missing = [path for path in _parts(name) if f"`{path}`" not in PAGE]
    assert not missing, f"add {missing} to docs/architecture.md"


def test_the_drawing_has_every_package_of_the_gateway() -> None:
    drawing = PAGE.partition("```mermaid")[2].partition("```")[0]
    names = {path.rstrip("/").removesuffix(".py").split("/")[1] for path in _parts("gateway")}
    assert not [name for name in names if not re.search(rf"\b{name}\b", drawing)]
