"""`/health?deep`: which part does not work, and for how long."""

import time
from collections.abc import Callable
from typing import cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from switchboard_local.aggregator_process import Aggregator
from switchboard_local.engine_database import DatabaseReplaced
from switchboard_local.health import Health, StoreProbe
from switchboard_local.supervision import Condition, Supervised

UNREACHABLE = EndpointConnectionError(endpoint_url="http://127.0.0.9:1234")
WRONG_TABLE = ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "DescribeTable")


class Store:
    """A table that answers, or raises."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.is_known = False
        self.shown: list[str] = []
        self.probe = StoreProbe(self.describe, self.shown.append, lambda: self.is_known)

    def describe(self) -> None:
        if self.error:
            raise self.error


class Process:
    """Stands for a supervised process."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition


class Stream:
    """Stands for the aggregator's reading."""

    def __init__(self, read_stream_s_ago: float | None) -> None:
        self.read_stream_s_ago = read_stream_s_ago


class Waiting:
    """Stands for the gateway's recorder."""

    waiting = 3

    async def drain(self, *, until_s: float | None, progress: Callable[[int], None]) -> int:
        raise AssertionError(f"health reads the number alone: {until_s}, {progress}")


RUNS = Condition(is_running=True, for_s=100.0, restarts=0)
ENDED = Condition(is_running=False, for_s=2.04, restarts=1)


def health(store: Store, aggregator: Condition = RUNS, read_s_ago: float | None = 0.5) -> Health:
    return Health(
        store.probe,
        cast("Supervised", Process(RUNS)),
        cast("Supervised", Process(aggregator)),
        cast("Aggregator", Stream(read_s_ago)),
        Waiting(),
    )


def test_all_works() -> None:
    store = Store()
    store.probe.probe()
    status, report = health(store).report()
    assert (status, report["status"], report["store"]["reachable"]) == (200, "ok", True)
    assert report["records"] == {"waiting": 3}
    assert report["engine"] == {"running": True, "for_s": 100.0, "restarts": 0}
    assert report["aggregator"] == {"running": True, "for_s": 100.0, "restarts": 0, "read_stream_s_ago": 0.5}
    assert store.shown == []


@pytest.mark.parametrize(
    ("error", "told"), [(UNREACHABLE, "EndpointConnectionError"), (WRONG_TABLE, "ResourceNotFoundException")]
)
def test_a_store_that_does_not_answer_is_told_without_its_address(error: Exception, told: str) -> None:
    store = Store()
    store.error = error
    store.probe.probe()
    store.probe.probe()
    status, report = health(store).report()
    assert (status, report["status"]) == (503, "degraded")
    assert report["store"] == {"reachable": False, "for_s": report["store"]["for_s"], "error": told}
    store.error = None
    store.probe.probe()
    assert health(store).report()[0] == 200
    assert store.shown == [f"  The database does not answer ({told}).", "  The database answers again."]


def test_a_database_that_was_replaced_is_told_in_its_own_words() -> None:
    store = Store()
    store.error = DatabaseReplaced("Put it back.")
    store.probe.probe()
    assert store.shown == ["  Put it back."]
    assert store.probe.state[0] == "DatabaseReplaced"


def test_the_latest_error_is_told() -> None:
    store = Store()
    for store.error in (UNREACHABLE, WRONG_TABLE):
        store.probe.probe()
    assert store.probe.state[0] == "ResourceNotFoundException"


def test_an_end_that_is_known_is_not_shown_a_second_time() -> None:
    store = Store()
    store.error, store.is_known = UNREACHABLE, True
    store.probe.probe()
    store.error, store.is_known = None, False
    store.probe.probe()
    assert store.shown == []


@pytest.mark.parametrize(
    ("aggregator", "read_s_ago", "status"),
    [
        (ENDED, 0.1, 503),
        (RUNS, 31.0, 503),  # it hangs
        (RUNS, None, 503),  # it never came so far
        (Condition(is_running=True, for_s=1.0, restarts=1), 40.0, 200),  # it has just started again
        (Condition(is_running=True, for_s=1.0, restarts=0), None, 200),
    ],
)
def test_an_aggregator_that_does_not_read(aggregator: Condition, read_s_ago: float | None, status: int) -> None:
    found, report = health(Store(), aggregator, read_s_ago).report()
    assert found == status
    assert report["aggregator"]["for_s"] == round(aggregator.for_s, 1)


def test_the_store_is_asked_while_the_block_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard_local.health.PROBE_EVERY_S", 0.01)
    store = Store()
    store.error = UNREACHABLE
    deadline = time.monotonic() + 10
    with store.probe:
        while not store.shown:
            assert time.monotonic() < deadline
            time.sleep(0.001)
