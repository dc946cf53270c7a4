"""What servers have refused is remembered for each project by itself."""

from datetime import UTC, datetime

from gateway.domain.call import Arrival, Call, Caller, Chat, Labels, Route, Target
from gateway.domain.clock import Clock
from gateway.providers.refusals import PutBack
from gateway.relay.refused_fields import MAX_PLACES, RefusedFields
from switchboard.domain.policy import Policy, ProjectPolicies

URL = "https://llm.example.com/v1/chat/completions"
REPAIRS = (PutBack("stream_options"),)


def call_of(project: str) -> Call:
    return Call(
        trace_id="t",
        arrival=Arrival(datetime(2026, 1, 1, tzinfo=UTC), 0.0),
        auth_ms=0.0,
        caller=Caller(project, "k", ProjectPolicies(Policy(), {})),
        labels=Labels(),
        route=Route(url=URL),
        chat=Chat("m", (), streamed=True, wants_usage=False, others={}),
        body=b"",
        secrets=(),
    )


def target(model: str) -> Target:
    return Target("generic", URL, "llm.example.com", model, 1000)


def test_no_project_drops_what_another_has_learnt() -> None:
    refused = RefusedFields(Clock())
    refused.remember(call_of("acme"), target("m"), REPAIRS)
    for number in range(MAX_PLACES * 10):
        refused.remember(call_of("hostile"), target(f"m-{number}"), REPAIRS)
    assert refused.recall(call_of("acme"), target("m")) == REPAIRS
    assert refused.recall(call_of("hostile"), target("m-0")) == ()
    assert refused.recall(call_of("hostile"), target(f"m-{MAX_PLACES * 10 - 1}")) == REPAIRS
    assert refused.recall(call_of("other"), target("m")) == ()
