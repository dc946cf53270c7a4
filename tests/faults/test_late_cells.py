"""A cell of the fault matrix whose trace does not come fails alone, and says what it waited for."""

import re

import httpx
import pytest

from switchboard.domain.trace import Trace
from testkit import running_gateway
from testkit.fault_matrix import CELLS
from testkit.fault_targets import Matrix, fault_matrix
from testkit.running_gateway import AwaitedStore

LATE, *OTHERS = [cell for cell in CELLS if cell.fault.name == "connection refused" and cell.streamed]


async def test_a_cell_without_its_trace_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    note_completed = AwaitedStore._note_completed

    def note_others(store: AwaitedStore, trace: Trace) -> None:
        if trace.task_id != LATE.name:
            note_completed(store, trace)

    monkeypatch.setattr(AwaitedStore, "_note_completed", note_others)
    async with fault_matrix() as matrix:
        monkeypatch.setattr(running_gateway, "PATIENCE_S", 1.5)
        with pytest.raises(AssertionError, match=rf"could not get the trace of {re.escape(LATE.name)}, answered 200"):
            await matrix.result(LATE)
        monkeypatch.undo()
        await check_others(matrix)


async def test_a_cell_without_its_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with fault_matrix() as matrix:
        post = httpx.AsyncClient.post

        async def answer_others(client: httpx.AsyncClient, url: str, **request: bytes) -> httpx.Response:
            if LATE.name.encode() in request["content"]:
                raise httpx.ReadTimeout("")
            return await post(client, url, **request)  # type: ignore[arg-type]

        monkeypatch.setattr(httpx.AsyncClient, "post", answer_others)
        with pytest.raises(AssertionError, match=rf"the answer of {re.escape(LATE.name)} .*ReadTimeout"):
            await matrix.result(LATE)
        await check_others(matrix)


async def check_others(matrix: Matrix) -> None:
    assert [(await matrix.result(cell)).trace.task_id for cell in OTHERS] == [cell.name for cell in OTHERS]
