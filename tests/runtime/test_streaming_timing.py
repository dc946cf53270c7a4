"""The times of a streamed response, and what follows its last byte: visible only with a scripted Runtime API."""

import statistics
from collections.abc import Iterator

import pytest

from testkit.events import rest_event
from testkit.runtime_api import RuntimeApi
from testkit.runtime_recorded import DELIMITER, Recorded, reports
from testkit.runtime_versions import NEWEST, VERSIONS, runtime_env


@pytest.fixture(scope="module", params=VERSIONS)
def api(request: pytest.FixtureRequest) -> Iterator[RuntimeApi]:
    with RuntimeApi() as sandbox:
        sandbox.start("testkit.runtime_apps.raw", runtime_env(request.param))
        yield sandbox


def delays_ms(recorded: Recorded) -> list[float]:
    """The time from an application's send to a chunk's arrival, for every chunk after the prelude."""
    return [(chunk.at_ns - int(chunk.data)) / 1e6 for chunk in recorded.chunks[1:]]


@pytest.mark.alone
@pytest.mark.parametrize("api", [NEWEST], indirect=True)
@pytest.mark.parametrize("threads", ["0", "1"], ids=["loop-alone", "beside-a-busy-thread"])
def test_every_chunk_is_sent_within_5_ms(api: RuntimeApi, threads: str) -> None:
    event = rest_event(path="/stream", query={"count": "50", "every_ms": "5", "threads": threads})
    # Other load on the machine can delay the reader. A layer that holds bytes back would be late in every run.
    best = [min(delays) for delays in zip(*(sorted(delays_ms(api.send(event))) for _ in range(4)), strict=True)]
    assert len(best) == 50
    assert statistics.quantiles(best, n=20)[-1] < 5


def test_the_status_is_sent_before_the_first_chunk(api: RuntimeApi) -> None:
    recorded = api.send(rest_event(path="/stream", query={"count": "1", "every_ms": "100"}))
    assert recorded.chunks[0].data.endswith(DELIMITER)
    assert recorded.head == {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "cookies": []}
    assert recorded.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert recorded.headers["lambda-runtime-function-response-mode"] == "streaming"


def test_the_response_ends_then_background_work_runs_then_the_next_event_is_asked_for(api: RuntimeApi) -> None:
    recorded = api.send(rest_event(path="/background", query={"for_ms": "150"}), deadline_in_s=1)
    responded, background = reports(api.log, "responded")[-1], reports(api.log, "background")[-1]
    assert responded["then"] == "http.disconnect"
    assert recorded.ended_ns is not None
    assert recorded.next_poll_ns is not None
    assert background["at_ns"] - recorded.ended_ns > 140e6
    assert recorded.next_poll_ns > background["at_ns"]


def test_a_failure_in_mid_stream_is_sent_in_trailers_of_at_most_4_kb(api: RuntimeApi) -> None:
    recorded = api.send(rest_event(path="/raise-midway", query={"depth": "40", "length": "5000"}))
    assert recorded.body == b"half"
    assert recorded.trailers["lambda-runtime-function-error-type"] == "Exploded"
    assert "_raise_deep" in recorded.trailing_error["stackTrace"][-1]
    assert recorded.trailer_bytes <= 4_096
    assert api.log.count("in _raise_deeper") >= 10  # complete in the log


def test_a_response_left_unfinished_is_a_failure_too(api: RuntimeApi) -> None:
    recorded = api.send(rest_event(path="/unfinished"))
    assert recorded.body == b"part"
    assert recorded.trailing_error["errorType"] == "ResponseIncomplete"


def test_a_failure_after_the_response_is_logged_and_not_reported(api: RuntimeApi) -> None:
    recorded = api.send(rest_event(path="/raise-after"))
    assert (recorded.body, recorded.trailers) == (b"whole", {})
    assert "application.failed" in api.log
    assert "Exploded: after the response" in api.log


@pytest.mark.parametrize(
    ("path", "error_type"), [("/raise-before", "Exploded"), ("/silent", "ResponseMissing")], ids=["raises", "silent"]
)
def test_a_failure_before_the_first_message_is_an_ordinary_error(api: RuntimeApi, path: str, error_type: str) -> None:
    recorded = api.send(rest_event(path=path))
    assert recorded.path.endswith("/error")
    assert recorded.json["errorType"] == error_type


def test_the_application_gets_a_disconnect_when_the_runtime_hangs_up_and_runs_to_its_end(api: RuntimeApi) -> None:
    recorded = api.send(rest_event(path="/until-gone", query={"every_ms": "300"}), hang_up_after_chunks=3)
    received, refused, drained = (reports(api.log, name)[-1] for name in ("received", "refused", "drained"))
    assert received["type"] == "http.disconnect"
    assert received["at_ns"] - recorded.chunks[-1].at_ns < 100e6  # at once: the next send is 300 ms away
    assert refused["error"] == "ConnectionResetError"
    assert recorded.next_poll_ns is not None
    assert recorded.next_poll_ns > drained["at_ns"]
    assert api.send(rest_event(path="/echo")).head["statusCode"] == 200


def test_after_a_disconnect_the_application_is_stopped_before_the_deadline(api: RuntimeApi) -> None:
    drained = len(reports(api.log, "drained"))
    recorded = api.send(
        rest_event(path="/until-gone", query={"for_ms": "60000"}), hang_up_after_chunks=2, deadline_in_s=1.5
    )
    assert recorded.next_poll_ns is not None
    assert recorded.next_poll_ns - recorded.chunks[-1].at_ns < 1.5e9
    assert len(reports(api.log, "drained")) == drained
    assert "application.cancelled reason=deadline" in api.log
    assert api.send(rest_event(path="/echo")).head["statusCode"] == 200


def test_a_framework_streams_and_its_background_task_runs_after_the_response() -> None:
    with RuntimeApi() as sandbox:
        sandbox.start("testkit.runtime_apps.framework")
        recorded = sandbox.send(rest_event(path="/stream"))
        assert [chunk.data for chunk in recorded.chunks[1:]] == [b"one ", b"two ", b"three"]
        assert recorded.chunks[2].at_ns - recorded.chunks[1].at_ns > 40e6
        assert recorded.ended_ns is not None
        assert reports(sandbox.log, "background")[0]["at_ns"] < (recorded.next_poll_ns or 0)
        exploded = sandbox.send(rest_event(path="/explode"))
        assert (exploded.head["statusCode"], exploded.trailers) == (500, {})
        assert "Exploded: in a route" in sandbox.log
