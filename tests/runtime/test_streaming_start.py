"""A function that cannot start is reported as by Lambda's own runtime."""

from typing import Any

import pytest

from testkit.runtime_api import RuntimeApi
from testkit.runtime_versions import NEWEST, OLDER, runtime_env


def init_error(handler: str, *, streaming: bool, runtime: str = NEWEST) -> dict[str, Any]:
    with RuntimeApi() as api:
        api.start(handler, runtime_env(runtime), streaming=streaming)
        assert api.init_error is not None
        return api.init_error


@pytest.mark.parametrize(
    "handler",
    ["testkit.runtime_broken_import.handler", "testkit.nowhere.handler", "testkit.runtime_apps.nothing"],
)
def test_a_handler_that_cannot_be_loaded_is_the_same_error_with_and_without_the_layer(handler: str) -> None:
    assert init_error(handler, streaming=True) == init_error(handler, streaming=False)


def test_an_older_runtime_reports_a_failed_import_as_without_the_layer() -> None:
    with_layer, without = (
        init_error("testkit.runtime_broken_import.handler", streaming=streaming, runtime=OLDER)
        for streaming in (True, False)
    )
    assert with_layer == without


def test_a_module_that_raises_keeps_its_error_and_its_line() -> None:
    error = init_error("testkit.runtime_broken_start.handler", streaming=True)
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "a setting is missing")
    assert "runtime_broken_start.py" in error["stackTrace"][-1]


def test_an_adapter_with_lifespan_events_is_refused() -> None:
    error = init_error("testkit.runtime_apps.with_lifespan", streaming=True)
    assert 'lifespan="off"' in error["errorMessage"]


def test_a_handler_without_mangum_runs_as_without_the_layer() -> None:
    with RuntimeApi() as api:
        api.start("testkit.runtime_apps.plain")
        recorded = api.send({"a": 1})
    assert recorded.json == {"echo": {"a": 1}}
    assert recorded.headers["content-type"] == "application/json"
    assert "lambda-runtime-function-response-mode" not in recorded.headers
