"""A planner and a call for tests of plans, with the defaults of a deployment."""

from datetime import UTC, datetime
from typing import Any

from gateway.domain.call import Arrival, Call, Caller, Chat, Labels, Route
from gateway.routing.plan import VOICE, Planner
from gateway.routing.targets import Targets
from gateway.upstream.addresses import PrivateHosts
from switchboard.domain.policy import Policy

CALL_TIMEOUT_MS = 290_000


def a_planner(
    *,
    private: str = "",
    base_urls: dict[str, str] | None = None,
    keyless: str = "",
    default: Policy = VOICE,
    call_timeout_ms: int = CALL_TIMEOUT_MS,
) -> Planner:
    """A deployment's planner; `private` and `keyless` as its settings spell them."""
    return Planner(
        targets=Targets(
            private_hosts=PrivateHosts.parse(private),
            base_urls=base_urls or {},
            keyless=frozenset(filter(None, keyless.split(","))),
        ),
        default=default,
        stall_ms=60_000,
        call_timeout_ms=call_timeout_ms,
    )


def a_call(model: str = "gpt-4o", *, streamed: bool = True, remaining_ms: int | None = None, **route: Any) -> Call:
    """A call of the project `acme`; the fields of its route by name."""
    return Call(
        trace_id="t",
        arrival=Arrival(datetime(2026, 11, 20, tzinfo=UTC), 0.0, remaining_ms=remaining_ms),
        auth_ms=0.1,
        caller=Caller("acme", "key_0"),
        labels=Labels(),
        route=Route(**route),
        chat=Chat(model, (), streamed=streamed, wants_usage=False, others={}),
        body=b"{}",
        secrets=(),
    )
