from pathlib import Path

import pytest
from awslambdaric.lambda_runtime_exception import FaultException

from response_streaming.function import load
from testkit.events import rest_event


@pytest.mark.parametrize("name", ["testkit.events.rest_event", "testkit/events.rest_event"])
def test_a_handler_is_loaded_by_its_name(name: str) -> None:
    assert load(name) is rest_event


@pytest.mark.parametrize(
    ("name", "kind", "word"),
    [
        ("handler", FaultException.MALFORMED_HANDLER_NAME, "handler"),
        ("testkit.nowhere.handler", FaultException.IMPORT_MODULE_ERROR, "testkit.nowhere"),
        ("testkit.runtime_broken_import.handler", FaultException.IMPORT_MODULE_ERROR, "a_package_nobody_has"),
        ("testkit.events.nothing", FaultException.HANDLER_NOT_FOUND, "nothing"),
    ],
)
def test_a_handler_that_cannot_be_loaded_raises_a_fault_with_its_name(name: str, kind: str, word: str) -> None:
    with pytest.raises(FaultException) as caught:
        load(name)
    assert caught.value.exception_type == kind
    assert word in caught.value.msg


def test_a_syntax_error_shows_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crooked.py").write_text("fine = 1\ntwo words = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(FaultException) as caught:
        load("crooked.handler")
    assert caught.value.exception_type == FaultException.USER_CODE_SYNTAX_ERROR
    assert "Line 2" in caught.value.trace[0]


def test_an_error_raised_by_the_module_itself_is_not_wrapped() -> None:
    with pytest.raises(LookupError, match="a setting is missing"):
        load("testkit.runtime_broken_start.handler")
