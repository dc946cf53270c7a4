"""The composition root: settings become a gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

from gateway.api.app import Gateway, create_app
from gateway.api.auth import Authenticator
from gateway.api.paths import App
from gateway.domain.clock import Clock
from gateway.domain.redaction_kinds import redactor
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.recording.recorder import Recorder
from gateway.recording.telemetry import Telemetry
from gateway.relay.answer import Upstream
from gateway.relay.exchange import Sender
from gateway.relay.limits import Budget, Limits
from gateway.relay.refused_fields import RefusedFields
from gateway.relay.relay import Relay
from gateway.routing.plan import VOICE, Planner
from gateway.routing.targets import Targets
from gateway.settings import MB, Settings
from gateway.turns.turns import Turns
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring, Keyring, ParameterKeyring, parameter_reader
from switchboard.settings import SettingsInvalid
from switchboard.store.dynamodb import DynamoStore, connect_both
from switchboard.store.ports import KeyStore, PolicyStore, TraceStore, TurnStore

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class Store(KeyStore, PolicyStore, TraceStore, TurnStore, Protocol):
    """Keys, policies, traces and turns in one."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the gateway touches beyond itself; the tests put their own in its place."""

    store: Store
    upstream: Upstream
    keyring: Keyring
    telemetry: Telemetry
    clock: Clock = field(default_factory=Clock)
    random: Random = field(default_factory=SystemRandom)


def dependencies(settings: Settings, environment: Mapping[str, str], telemetry: Telemetry) -> Dependencies:
    """The real outside: DynamoDB, the providers, stored keys."""
    clock = Clock()
    client, records = connect_both(endpoint=settings.dynamodb_endpoint or None)
    return Dependencies(
        store=DynamoStore(
            client,
            settings.table_name,
            retention=timedelta(days=settings.retention_days),
            clock=clock.now,
            records=records,
        ),
        upstream=HttpUpstream(PrivateHosts.parse(settings.private_provider_hosts), own_hosts=_own_hosts(settings)),
        keyring=_keyring(settings, environment, clock),
        telemetry=telemetry,
        clock=clock,
    )


def recorder(settings: Settings, parts: Dependencies) -> Recorder:
    """What records calls: for a host that waits for the last records before it ends."""
    found = redactor(settings.redact, settings.redact_patterns)
    return Recorder(parts.store, parts.telemetry, parts.clock, parts.random, redactor=found)


def _own_hosts(settings: Settings) -> frozenset[str]:
    """The hosts of the table's providers, and of the operator's."""
    known = [provider.base_url for name in table.names() if (provider := table.by_name(name)) is not None]
    urls = [*settings.base_urls().values(), *filter(None, known)]
    return frozenset(host for url in urls if (host := urlsplit(url).hostname))


def build(settings: Settings, parts: Dependencies, records: Recorder | None = None) -> App:
    """The gateway's ASGI application. `records`: the host's own `recorder`. Raises SettingsInvalid."""
    base_urls = settings.base_urls()
    keyless = frozenset(name.strip() for name in settings.keyless_providers.split(",") if name.strip())
    if unknown := sorted((base_urls.keys() | keyless) - set(table.names())):
        raise SettingsInvalid(f"no such provider: {', '.join(unknown)}; there are {', '.join(table.names())}")
    gateway = Gateway(
        authenticator=Authenticator(parts.store, parts.clock),
        planner=Planner(
            targets=Targets(PrivateHosts.parse(settings.private_provider_hosts), base_urls, keyless),
            default=settings.default_policy.over(VOICE),
            stall_ms=settings.stall_timeout_ms,
            call_timeout_ms=settings.call_timeout_ms,
        ),
        relay=Relay(_sender(settings, parts), _limits(settings, parts)),
        recorder=records or recorder(settings, parts),
        turns=_turns(settings, parts),
        telemetry=parts.telemetry,
        clock=parts.clock,
        random=parts.random,
        capture=settings.capture,
        max_messages=settings.max_messages,
        has_demo="demo" in base_urls,
    )
    return create_app(gateway)


def _sender(settings: Settings, parts: Dependencies) -> Sender:
    memory, refused = SignatureMemory(parts.clock), RefusedFields(parts.clock)
    return Sender(parts.upstream, parts.keyring, memory, refused, settings.max_answer_mb * MB)


def _turns(settings: Settings, parts: Dependencies) -> Turns:
    poll_every_s = settings.turn_look_ms / 1000
    return Turns(parts.store, parts.telemetry, parts.clock, poll_every_s=poll_every_s, grace_s=poll_every_s)


def _limits(settings: Settings, parts: Dependencies) -> Limits:
    return Limits(
        parts.clock,
        parts.random,
        # A new process may hedge its first call: a sandbox often lives for a few dozen calls only.
        new_hedges=partial(Budget, percent=settings.hedge_budget_percent, max_balance=10, initial=1),
        new_retries=partial(Budget, percent=settings.retry_budget_percent, max_balance=10, initial=10),
        backoff_ms=settings.retry_backoff_ms,
    )


def _keyring(settings: Settings, environment: Mapping[str, str], clock: Clock) -> Keyring:
    if not settings.provider_keys_path:
        return EnvironmentKeyring(environment)
    # Imported here: only a deployment with stored keys needs this client.
    from botocore.config import Config  # noqa: PLC0415
    from botocore.session import get_session  # noqa: PLC0415

    # botocore's own timeouts are a minute each.
    config = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
    client = cast("SSMClient", get_session().create_client("ssm", config=config))
    return ParameterKeyring(settings.provider_keys_path, parameter_reader(client), clock)
