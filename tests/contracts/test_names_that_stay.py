"""Names that are stored, sent or documented: rows, API, logs, metrics, errors, headers, environment, commands.

Each list is compared with what the code writes, reads or sends. A Python name may change at any time; one of these may
not, since old rows, callers and queries use it. Where one is added, add it to its list.
"""

import importlib
import json
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, cast, override

import httpx
import pytest
import typer
from fastapi.testclient import TestClient

import cost_aggregator.telemetry
import gateway.api
import gateway.recording.telemetry
from console import answers as console_answers
from console.assembly import build as build_console
from console.costs_json import costs_json, tasks_json
from console.costs_query import CostsQuery
from console.settings import Settings as ConsoleSettings
from console.trace_json import page_json, trace_json
from cost_aggregator.poison import PoisonMessage
from cost_aggregator.settings import Settings as AggregatorSettings
from gateway.api import error_answers
from gateway.api.credentials import gateway_key, secrets_of
from gateway.api.headers import read_labels, read_route
from gateway.assembly import Dependencies
from gateway.assembly import build as build_gateway
from gateway.domain.attempt import OK, OUTPACED, REDIRECTED
from gateway.domain.call import Capture, Target
from gateway.domain.errors import AllTargetsFailed, UpstreamFailure
from gateway.domain.reports import UpstreamRejected
from gateway.domain.secret import Scrubber
from gateway.recording.record_queue import RecordQueue
from gateway.settings import Settings as GatewaySettings
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.domain.conversation import STALL_MS
from switchboard.domain.conversation_facts import ConversationFacts
from switchboard.domain.keys import GatewayKey, Scope
from switchboard.domain.policy import Policy
from switchboard.domain.policy_json import policy_json
from switchboard.domain.pricing import settled
from switchboard.domain.rates import Price, RateCard, Rates
from switchboard.domain.settlement import Settlement
from switchboard.domain.totals import Granularity, PeriodTotals, TaskTotals
from switchboard.domain.trace import Bodies, Failure, Status, Trace, TracePage
from switchboard.domain.turns import TurnRow
from switchboard.domain.usage import UsageSource
from switchboard.store import key_items, policy_items, rate_items, turn_items
from switchboard.store.conversations import conversation_items
from switchboard.store.dynamodb_update import Update
from switchboard.store.keyspace import Key
from switchboard.store.ledger.group import Group
from switchboard.store.ledger.open_calls import DynamoOpenCalls
from switchboard.store.ports import StoreUnavailable
from switchboard.store.traces import body_items, trace_items
from switchboard.store.traces.shared_content import SharedContent
from switchboard.store.traces.trace_lines import to_line
from switchboard_cli.main import app as cli
from switchboard_local import http_protocol
from switchboard_local.aggregator_process import Aggregator
from switchboard_local.health import Health, StoreProbe
from switchboard_local.supervision import Supervised
from testkit.filled import call_every_method, filled, paths
from testkit.memory_store import MemoryStore
from testkit.openai_events import completion
from testkit.running_gateway import KEY, RecordedLog, chat
from testkit.samples import NOON, a_key, a_usual_usage, an_open_trace, one_price
from testkit.upstream import ScriptedUpstream, json_answer


def names(text: str, *more: Iterable[str]) -> set[str]:
    """The words of a text, and more names."""
    return set(text.split()).union(*more)


def under(prefix: str, text: str, *more: Iterable[str]) -> set[str]:
    """The words, and more names, as names within `prefix`, and `prefix` itself; a list's own name without its `[]`."""
    return {prefix.removesuffix("[]"), *(f"{prefix}.{name}" for name in names(text, *more))}


def check(what: str, found: Iterable[str], frozen: set[str]) -> None:
    """Whether the code still uses these names, and no others."""
    used = set(found)  # `found` may be an iterator
    gone, new = sorted(frozen - used), sorted(used - frozen)
    assert not gone, f"{what}: {gone} must stay as they are; the code now has {new} in their place, or nothing"
    assert not new, f"{what}: {new} are new; if they are meant to stay, add them to the list in {__name__}"


# Rows

CLASSES = """fresh_input output cache_read cache_write_5m cache_write_1h audio_input audio_cache_read audio_output
image_input image_cache_read image_output searches"""
RATES = "i o r w h ai ar ao mi mr mo n"
PRICE = names("s e f g z v", under("r", RATES))
USAGE = names(f"s t b g z v m {RATES}")
SETTLEMENT = names(
    "settled_at cost revision unpriced_classes",
    under("price", "", PRICE),
    under("costs[]", "a c", under("price", "", PRICE)),
    under("corrections[]", "c why at"),
)
TRACE_ROW = names(
    """pk sk gsi1pk gsi1sk kind expires_at project task_id started_at status e s k m p t fs ls d g q b f v pc x
    buffered_ms notes is_zero_retention""",
    under("metadata", "<name>"),
    under("md", "a c f t s d"),
    under("failure", "code message http_status"),
    under("tn", "i r t"),
    under("r", "p l g"),
    ("redacted",),
    under("redacted", "<name>"),
    under("u", "", USAGE),
    under("a[]", "p h m o s d c t error is_hedge", under("u", "", USAGE)),
    SETTLEMENT,
)
COUNTERS = names(
    f"""calls errors unpriced_calls partly_priced_calls estimated_calls cost_pico_usd unheard_pico_usd saved_pico_usd
    reasoning {CLASSES}"""
)
SHORT_NAMES = names(
    "t e k a p m s c v x ca er up pp es co uh sa fi cr c5 c1 ou re ai ac ao ii ic io se A6 F6 K6",
)
ROWS: dict[str, set[str]] = {
    "trace": TRACE_ROW,
    "key": names("pk sk gsi1pk gsi1sk kind digest project scopes created_at name revoked_at"),
    "project": names("pk sk kind project swept_until dimensions_since"),
    "policy": names("pk sk kind project task_id policy"),
    "turn": names(
        "pk sk kind expires_at turn_id ancestors began_ms arrived_ms arrived_by arrivals spoken_ms spoken_by"
    ),
    "rates": names(
        "pk sk kind provider model source entry_id valid_from valid_until",
        under("rates", RATES),
        under("tiers[]", "above", under("rates", RATES)),
        under(
            "variants[]",
            "dimension value factor",
            under("rates", RATES),
            under("tiers[]", "above", under("rates", RATES)),
        ),
    ),
    "body": names("pk sk kind expires_at data items request response_bytes"),
    "blob": names("pk sk kind expires_at data"),
    "totals": names("kind task_id first_seen last_seen expires_at retries stalls", COUNTERS, SHORT_NAMES),
    "conversation": names(
        """pk sk gsi1pk gsi1sk kind expires_at version conversation_id last_id ended_at models call_duration_s told_by
        worst_ttft_ms longest_stall_ms"""
    ),
}


class _WrittenItems:
    """A table that is empty and remembers what is written to it."""

    def __init__(self) -> None:
        self.items: list[Mapping[str, Any]] = []

    def get(self, _key: object) -> None:
        """Nothing is there."""

    def put_if(self, item: Mapping[str, Any], *_condition: object, **_values: object) -> None:
        """Remember the item."""
        self.items.append(item)

    def partition(self, _pk: str) -> tuple[Mapping[str, Any], ...]:
        """Nothing is there."""
        return ()

    def update_if(self, update: Update) -> None:
        """Remember the values."""
        self.items.append(update.values)


def _blobs() -> list[Mapping[str, Any]]:
    table = _WrittenItems()
    SharedContent(cast("Any", table)).keep("acme", b"a system prompt", 1)
    return table.items


def _sweep() -> Mapping[str, Any]:
    """What a sweep writes to the row of a project."""
    calls, table = DynamoOpenCalls(cast("Any", None), "unused"), _WrittenItems()
    calls._table = cast("Any", table)
    calls.mark_swept("acme", NOON, latest=NOON)
    calls.begin_dimensions("acme", NOON)
    swept, begun = table.items
    return {"swept_until": swept["swept_until"], **begun}  # the other value of `swept` is the condition's


def _updates(kind: str | None) -> list[Mapping[str, Any]]:
    """What settling writes: to rows of totals (`totals`), and to the traces themselves (None)."""
    settled = filled(Trace)
    unpriced = replace(
        settled,
        settlement=Settlement(settled.started_at, None),
        usage=replace(settled.usage, source=UsageSource.ESTIMATED),
        longest_stall_ms=STALL_MS,
    )
    price = Price("list", NOON, replace(filled(Rates), cache_read=0))
    saving = replace(
        settled,
        status=Status.OK,
        metadata={"agent-id": "agent", "caller-id": "caller"},
        settlement=Settlement(NOON, 1, price),
    )
    group = Group([settled, unpriced, saving], 0)
    return [update.values for update in group.updates({}) if update.values.get("kind") == kind]


def _unusual_trace() -> Trace:
    """A trace in whose row nothing is left out."""
    trace: Trace = filled(Trace)
    attempt = replace(trace.attempts[0], provider="another", model="another", started_ms=9.5)
    known = "agent-id conversation-id caller-id called-number call-sid call-duration-secs"
    return replace(
        trace,
        project="p" * 600,
        task_id="t" * 600,
        streamed=False,
        metadata=dict.fromkeys((*known.split(), "<name>"), "text"),
        attempts=(attempt,),
    )


def _rows() -> dict[str, list[Mapping[str, Any]]]:
    return {
        "trace": [trace_items.to_item(trace, 1) for trace in (filled(Trace), _unusual_trace())],
        "key": [key_items.to_item(filled(GatewayKey))],
        "project": [key_items.project_item("acme"), _sweep()],
        "policy": [policy_items.to_item("acme", "booking", Policy())],
        "turn": [turn_items.to_item(filled(TurnRow), filled(Key))],
        "rates": [rate_items.to_item(filled(RateCard))],
        "body": body_items.to_items("acme", "T", outline=[1], inline=b"x", response=b"y", expires_at=1),
        "blob": _blobs(),
        "totals": _updates("totals"),
        "conversation": [conversation_items.to_item("acme", "conv_1", filled(ConversationFacts), 1)],
    }


@pytest.mark.parametrize("kind", ROWS)
def test_the_attributes_of_a_row(kind: str) -> None:
    rows = _rows()
    assert set(rows) == set(ROWS)
    assert {row["kind"] for row in rows[kind] if "kind" in row} == {kind}
    check(f"a row of kind {kind}", (name for row in rows[kind] for name in paths(row)), ROWS[kind])


def test_the_row_in_a_log_line() -> None:
    """Lines are kept for weeks, and restored by whatever version runs then."""
    frozen = names(
        """trace_id project task_id environment started_at status streamed key_id model provider ttft_ms duration_ms
        gateway_ms queue_ms buffered_ms finish_reason notes is_zero_retention has_bodies first_sentence_ms
        longest_stall_ms prompt_version prompt_characters excerpt""",
        under("metadata", "<name>"),
        under("redacted", "<name>"),
        under("failure", "code message http_status"),
        under("turn", "turn_id retry thread_id"),
        under("request_ids", "provider lambda api_gateway"),
        under("usage", "", USAGE),
        under(
            "attempts[]",
            "provider host model outcome started_ms duration_ms status ttft_ms error is_hedge",
            under("usage", "", USAGE),
        ),
        SETTLEMENT,
    )
    check("the row of trace.unwritten", paths(to_line(filled(Trace)).row), frozen)


def test_what_settling_adds_to_the_row_of_a_trace() -> None:
    check("a settled trace", (name for row in _updates(None) for name in paths(row)), SETTLEMENT | {"status"})


def test_the_message_about_a_trace_that_cannot_be_settled() -> None:
    check(
        "a message in the poison queue",
        _json_names(filled(PoisonMessage).to_json()),
        names("pk sk sequence_number reason"),
    )


def _json_names(text: str) -> Iterator[str]:
    return paths(json.loads(text))


@pytest.mark.parametrize(
    ("kind", "frozen"),
    [
        (
            Status,
            """open ok client_closed upstream_error timeout truncated refused lost superseded interrupted empty""",
        ),
        (UsageSource, "provider estimated absent"),
        (Scope, "call read admin"),
        (Granularity, "hour day month"),
    ],
)
def test_the_values_of_an_enumeration(kind: Any, frozen: str) -> None:
    check(kind.__name__, kind, names(frozen))


def test_the_levels_of_capture() -> None:
    assert {level.name: level.value for level in Capture} == {"NONE": 0, "METADATA": 1, "FULL": 2}


def test_the_fields_of_a_policy() -> None:
    frozen = """provider fallback fallback[].target fallback[].ttft_timeout_ms max_attempts ttft_timeout_ms
    plan_timeout_ms hedge_after_ms buffer_words buffer_words.text buffer_words.after_ms zero_retention allowed_targets
    recognise_retries"""
    check("a policy", paths(policy_json(filled(Policy))), names(frozen))


# Attempts and errors


def test_the_outcomes_of_attempts() -> None:
    outcomes = {str(getattr(failure, "kind", failure.__name__)) for failure in error_answers.FAILURES}
    assert set(error_answers.FAILURES) == set(_leaves(UpstreamFailure))
    frozen = """ok outpaced redirected ConnectFailed AddressRefused UpstreamRejected UpstreamReported EmptyCompletion
    UpstreamCut FirstTokenLate AnswerLate AttemptBroken AnswerUnreadable AnswerTooLarge"""
    check("an attempt's outcome", outcomes | {OK, OUTPACED, REDIRECTED}, names(frozen))


def test_the_codes_with_which_a_call_is_stopped() -> None:
    codes = {failure.code for module in _modules(gateway.api) for failure in _failures(module)}
    frozen = "client_closed gateway_stopped answer_late turn_answered barge_in internal_error"
    check("the code of a stopped call", codes, names(frozen))


def test_the_gateways_error_codes() -> None:
    kinds = [*error_answers.REFUSALS.values(), *error_answers.FAILURES.values()]
    frozen = """400/body_malformed 400/header_malformed 400/provider_unknown 400/provider_key_missing 401/key_missing
    401/key_unknown 401/key_revoked 403/scope_missing 403/provider_url_refused 403/no_target_allowed 404/route_unknown
    405/method_refused 413/body_too_large 415/encoding_unsupported 503/keys_unavailable 502/connect_failed
    502/upstream_rejected 502/upstream_reported 502/empty_completion 502/upstream_cut 504/first_token_late
    504/answer_late 502/answer_unreadable 502/answer_too_large 500/internal_error"""
    check("an error of the gateway", (f"{kind.http_status}/{kind.code}" for kind in kinds), names(frozen))


def test_the_local_servers_error_code() -> None:
    codes = [http_protocol.LATE_CODE, http_protocol.TOO_LARGE_CODE]
    check("an error of the local server", codes, names("request_late head_too_large"))


def test_the_consoles_error_codes() -> None:
    frozen = """400/parameter_invalid 400/policy_invalid 401/key_missing 401/key_unknown 401/key_revoked
    403/scope_missing 404/trace_unknown 404/conversation_unknown 404/body_not_kept 404/policy_unknown
    404/route_unknown 405/method_refused
    400/price_invalid 404/price_unknown 409/price_exists 409/prices_full 409/policies_full
    413/body_too_large 413/answer_too_long 500/internal_error 503/store_unavailable"""
    kinds = console_answers.KINDS.values()
    check("an error of the console", (f"{kind.http_status}/{kind.code}" for kind in kinds), names(frozen))


def test_the_types_of_errors() -> None:
    kinds = {kind.type for kind in (*error_answers.REFUSALS.values(), *error_answers.FAILURES.values())}
    kinds |= {kind.type for kind in console_answers.KINDS.values()}
    frozen = "invalid_request_error authentication_error permission_error server_error upstream_error"
    check("an error's type", kinds, names(frozen))


def _leaves(parent: type[UpstreamFailure]) -> Iterator[type[UpstreamFailure]]:
    for child in parent.__subclasses__():
        yield from _leaves(child) if child.__subclasses__() else [child]


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{module.name}")


def _failures(module: ModuleType) -> Iterator[Failure]:
    """The failures that stand in a module, by themselves or in another object."""
    for value in vars(module).values():
        for one in value.values() if isinstance(value, dict) else [value]:
            found = getattr(one, "failure", one)
            if isinstance(found, Failure):
                yield found


# The API

JSON_RATES = under("usd_per_million", CLASSES.replace("searches", ""))
JSON_PRICE = under("price", "source id valid_from service_tier region speed usd_per_search", JSON_RATES)
JSON_USAGE = under("usage", f"reasoning source billed_usd service_tier region speed answer_model {CLASSES}")
TRACE_JSON = names(
    """trace_id project task_id environment key_id provider model status streamed started_at ttft_ms duration_ms
    gateway_ms queue_ms buffered_ms cost_usd unpriced partly_priced unpriced_classes
    settled_at revision finish_reason zero_retention notes
    first_sentence_ms longest_stall_ms prompt_version prompt_characters excerpt""",
    under("metadata", "<name>"),
    under("turn", "turn_id retry thread_id"),
    under("request_ids", "provider lambda api_gateway"),
    ("redacted",),
    under("redacted", "<name>"),
    under("error", "code message http_status"),
    under("corrections[]", "cost_usd reason at"),
    JSON_USAGE,
    JSON_PRICE,
    under(
        "attempts[]",
        "provider host model outcome status error is_hedge started_ms ttft_ms duration_ms cost_usd",
        JSON_USAGE,
        JSON_PRICE,
    ),
)
JSON_COUNTERS = """calls errors cost_usd unpriced_calls partly_priced_calls estimated_calls
prompt_tokens completion_tokens cache_read_tokens"""


def test_the_json_of_a_trace() -> None:
    check("GET /api/traces/{id}", paths(trace_json(filled(Trace), Bodies())), TRACE_JSON | {"request", "response"})


def test_the_json_of_a_page_of_traces() -> None:
    found = paths(page_json(TracePage((filled(Trace),), "next")))
    check("GET /api/traces", found, names("next_cursor searched_since", under("traces[]", "", TRACE_JSON)))


def test_the_json_of_tasks() -> None:
    frozen = under("tasks[]", f"task_id first_seen last_seen {JSON_COUNTERS}")
    check("GET /api/tasks", paths(tasks_json((filled(TaskTotals),))), frozen)


def test_the_json_of_a_tasks_costs() -> None:
    frozen = names(
        "task_id from to granularity",
        under("total", JSON_COUNTERS),
        under("periods[]", f"start end {JSON_COUNTERS}"),
    )
    found = costs_json("booking", filled(CostsQuery), filled(PeriodTotals))
    check("GET /api/tasks/{task}/costs", paths(found), frozen)


def test_the_json_of_policies_and_of_errors() -> None:
    with _console(MemoryStore(a_key("sb-one")), RecordedLog()) as client:
        assert set(client.put("/api/policy", json={"max_attempts": 2}).json()) == {"policy"}
        assert set(client.get("/api/policy").json()) == {"policy"}
        assert set(client.get("/api/tasks/booking/policy").json()) == {"policy", "effective"}
        found = paths(client.get("/api/nothing").json())
        check("an error", found, under("error", "message type param code"))


# Logs and metrics

CALL = "trace_id project task_id environment provider model"
GATEWAY_CALL = f"{CALL} conversation_id key_id streamed"
PLATFORM_IDS = names("lambda_request_id api_gateway_request_id")
GATEWAY_EVENTS = {
    "call.opened": names(GATEWAY_CALL, PLATFORM_IDS),
    "call.completed": names(
        GATEWAY_CALL,
        names(
            """status http_status finish_reason turn_id retry attempts failed_attempts is_hedged upstream
            upstream_status notes is_cold_start error error_message ttft_ms buffered_ms duration_ms gateway_ms queue_ms
            prompt_tokens fresh_input_tokens cache_read_tokens cache_write_5m_tokens cache_write_1h_tokens
            completion_tokens reasoning_tokens billed_pico_usd usage_source attempt_outcomes cut first_sentence_ms
            longest_stall_ms prompt_characters provider_request_id lambda_request_id api_gateway_request_id"""
        ),
    ),
    "call.refused": names("trace_id key_id error error_message", PLATFORM_IDS),
    "trace.unwritten": names("trace_id project what reason row cut", PLATFORM_IDS),
    "turn.untracked": names("trace_id what reason", PLATFORM_IDS),
    "gateway.failed": names("trace_id", PLATFORM_IDS),
}
AGGREGATOR_EVENTS = {
    "call.settled": names(
        f"""{CALL} status started_at hour cost_usd cost_pico_usd unpriced unpriced_classes unpriced_provider
        unpriced_model price_source price_id usage_source lag_ms revision"""
    ),
    "call.lost": names(f"{CALL} status"),
    "trace.poisoned": names("pk sk reason"),
    "batch.deferred": names("records reason"),
    "rate_cards.unpublished": names("reason"),
    "sweep.done": names("lost settled is_complete"),
    "reprice.done": names("repriced is_complete"),
    "reprice.deferred": names("reason"),
    "call.unrevised": names(f"{CALL} status reason"),
    "audit.done": names("project day outcome calls rows unaudited differences"),
    "audit.difference": names("project pk sk counter stored counted is_repaired"),
    "audit.deferred": names("reason"),
}
CONSOLE_EVENTS = {
    "request.refused": names("route code http_status key_id"),
    "request.failed": names("route code http_status key_id reason"),
}
GATEWAY_METRICS = names(
    """Calls/Count/provider Errors/Count/provider TTFT/Milliseconds/provider GatewayOverhead/Milliseconds
    ColdStarts/Count Hedges/Count FailedAttempts/Count Refused/Count"""
)
AGGREGATOR_METRICS = names(
    """Settled/Count Unpriced/Count PartlyPriced/Count Poisoned/Count Lag/Milliseconds Lost/Count
    AuditDifferences/Count Repriced/Count"""
)


class _Emitted:
    """A log and an emitter of metrics that remember names: the log under any level."""

    def __init__(self) -> None:
        self.events: dict[str, set[str]] = {}
        self.metrics: set[str] = set()

    def __getattr__(self, _level: str) -> Any:
        return self._write

    def _write(self, event: str, *, extra: Mapping[str, object], exc_info: object = None) -> None:
        assert exc_info is None or isinstance(exc_info, Exception)
        self.events.setdefault(event, set()).update(extra)

    def emit(self, metrics: Mapping[str, tuple[str, object]], dimensions: Iterable[str] = ()) -> None:
        """Remember the metrics as `name/unit/dimension`."""
        by_provider = gateway.recording.telemetry.BY_PROVIDER
        self.metrics |= {
            "/".join((name, unit, *(dimensions if name in by_provider else ()))) for name, (unit, _) in metrics.items()
        }


def _check_events(events: Mapping[str, set[str]], frozen: Mapping[str, set[str]]) -> None:
    check("a log event", events, set(frozen))
    for event, fields in events.items():
        check(f"a field of the log event {event}", fields, frozen[event])


def test_the_gateways_log_events_and_metrics() -> None:
    emitted = _Emitted()
    telemetry = gateway.recording.telemetry.Telemetry(cast("Any", emitted), emitted.emit)
    call_every_method(telemetry)
    _check_events(emitted.events, GATEWAY_EVENTS)
    check("a metric", emitted.metrics, GATEWAY_METRICS)
    assert gateway.recording.telemetry.NAMESPACE == "Switchboard"


def test_the_aggregators_log_events_and_metrics() -> None:
    emitted = _Emitted()
    telemetry = cost_aggregator.telemetry.Telemetry(cast("Any", emitted), emitted.emit)
    call_every_method(telemetry)
    answered = replace(an_open_trace(), status=Status.OK, usage=a_usual_usage())
    telemetry.counted([settled(answered, one_price(None), NOON)], 0)
    _check_events(emitted.events, AGGREGATOR_EVENTS)
    check("a metric", emitted.metrics, AGGREGATOR_METRICS)
    assert cost_aggregator.telemetry.NAMESPACE == "Switchboard"


class _FailingStore:
    """A store of which every method raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, _method: str) -> Any:
        return self._fail

    def _fail(self, *_arguments: object) -> None:
        raise self._error


def test_the_consoles_log_events() -> None:
    emitted = _Emitted()
    for store in (MemoryStore(), _FailingStore(StoreUnavailable("no table")), _FailingStore(RuntimeError("broken"))):
        with _console(store, emitted) as client:
            assert client.get("/api/traces").status_code >= 400
    _check_events(emitted.events, CONSOLE_EVENTS)


def _console(store: object, log: object) -> TestClient:
    app = build_console(ConsoleSettings("unused"), cast("Any", store), cast("Any", log))
    return TestClient(app, headers={"authorization": "Bearer sb-one"}, raise_server_exceptions=False)


# Headers, environment, commands

HEADERS_READ = names(
    """authorization x-inference-project-api-key x-inference-observability-api-key x-inference-provider
    x-inference-provider-url x-inference-provider-api-key x-inference-task-id x-inference-environment
    x-inference-capture x-inference-zero-retention x-inference-fallback x-inference-ttft-timeout-ms
    x-inference-hedge-after-ms x-inference-metadata-conversation-id"""
)
HEADERS_SENT = names(
    """content-type x-content-type-options x-request-id x-inference-trace-id x-inference-task-id server-timing
    cache-control x-accel-buffering"""
)


class _ReadNames(dict[str, str]):
    """A mapping that remembers which names were looked up."""

    def __init__(self, **values: str) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    @override
    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)


def test_the_headers_that_are_read() -> None:
    headers = _ReadNames()
    for read in (lambda it: read_labels(it, Capture.FULL, Scrubber()), read_route, gateway_key, secrets_of):
        read(headers)
    check("a header that is read", headers.read, HEADERS_READ)


def test_the_headers_whose_name_holds_a_key() -> None:
    headers = {"x-inference-metadata-caller-id": "anna", "x-inference-key-groq": "gsk", "x-inference-nothing": "1"}
    labels = read_labels(headers, Capture.FULL, Scrubber())
    assert labels.metadata == {"caller-id": "anna"}
    assert labels.notes == ("ignored header x-inference-nothing",)
    assert list(read_route(headers).keys) == ["groq"]


async def test_the_headers_that_are_sent() -> None:
    with ScriptedUpstream() as upstream:
        upstream.answers(json_answer(completion("Hello!")))
        http = HttpUpstream(PrivateHosts.parse(upstream.host))
        telemetry = gateway.recording.telemetry.Telemetry(RecordedLog(), lambda _values, _dimensions: None)
        parts = Dependencies(MemoryStore(a_key(KEY)), http, EnvironmentKeyring({}), telemetry)
        app = build_gateway(GatewaySettings("unused", private_provider_hosts=upstream.host), parts)
        headers = {
            "authorization": f"Bearer {KEY}",
            "x-inference-provider-url": upstream.base_url,
            "x-inference-provider-api-key": "sk-provider",
        }
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test") as client:
            answer = await client.post("/v1/chat/completions", json=chat(stream=False), headers=headers)
        await http.aclose()
    assert answer.status_code == 200
    check("a header that is sent", answer.headers, HEADERS_SENT)
    timings = {timing.partition(";")[0] for timing in answer.headers["server-timing"].split(", ")}
    check("a timing in server-timing", timings, names("auth gateway total"))


def test_the_headers_and_fields_of_an_error() -> None:
    target = Target("groq", "https://api.groq.com/openai/v1/chat/completions", "api.groq.com", "llama", 30_000)
    slow, refused = UpstreamRejected(target, 429, "slow down", 1500.0), UpstreamRejected(target, 401, "no")
    answers = [error_answers.answer_error(AllTargetsFailed([failure])) for failure in (slow, refused)]
    headers = {name for answer in answers for name, _ in answer.headers}
    check("a header of an error", headers, names("x-inference-error retry-after retry-after-ms x-should-retry"))
    event = json.loads(answers[0].event("id").removeprefix(b"data: "))["error"]
    check("a field of an error event", event, names("message type param code request_id"))
    assert answers[0].failure.code == dict(answers[0].headers)["x-inference-error"] == "upstream_rejected"


ENVIRONMENT: list[tuple[Any, str]] = [
    (
        GatewaySettings,
        """TABLE_NAME RETENTION_DAYS CAPTURE PRIVATE_PROVIDER_HOSTS PROVIDER_BASE_URLS PROVIDER_KEYS_PATH
        KEYLESS_PROVIDERS DYNAMODB_ENDPOINT DEFAULT_POLICY HEDGE_BUDGET_PERCENT RETRY_BUDGET_PERCENT RETRY_BACKOFF_MS
        TURN_LOOK_MS STALL_TIMEOUT_MS CALL_TIMEOUT_MS MAX_ANSWER_MB MAX_MESSAGES REDACT REDACT_PATTERNS""",
    ),
    (AggregatorSettings, "TABLE_NAME POISON_QUEUE_URL DYNAMODB_ENDPOINT RETENTION_DAYS SEARCH_METADATA"),
    (ConsoleSettings, "TABLE_NAME DYNAMODB_ENDPOINT SEARCH_METADATA"),
]


@pytest.mark.parametrize(("settings", "frozen"), ENVIRONMENT, ids=["gateway", "cost_aggregator", "console"])
def test_the_environment_variables(settings: Any, frozen: str) -> None:
    environment = _ReadNames()
    environment["TABLE_NAME"] = "switchboard"
    settings.from_env(environment)
    check("an environment variable", environment.read, names(frozen))


async def test_the_environment_variable_of_a_providers_key() -> None:
    environment = _ReadNames()
    await EnvironmentKeyring(environment).find("openai")
    assert environment.read == {"OPENAI_API_KEY"}


HEALTH = names(
    "status",
    under("store", "reachable for_s error"),
    under("records", "waiting"),
    under("engine", "running for_s restarts"),
    under("aggregator", "running for_s restarts read_stream_s_ago"),
)


def test_the_deep_report_of_the_local_system() -> None:
    part = Supervised(Aggregator({}, Path(), Path(), print), print)
    probe = StoreProbe(dict, print, lambda: False)
    records = RecordQueue(MemoryStore(), lambda _, reason: print(reason), Random())
    _, report = Health(probe, part, part, Aggregator({}, Path(), Path(), print), records).report()
    check("a field of /health?deep", paths(report), HEALTH)


TARGET = "--stack --data-dir --table --endpoint-url"
COMMANDS = {
    "keys create": names(f"--project --name --scope --revoke-old --overlap {TARGET}"),
    "keys list": names(f"--project {TARGET}"),
    "keys revoke": names(f"key_id --at --in --project {TARGET}"),
    "policies show": names(f"--project --task --json {TARGET}"),
    "policies set": names(f"file --project --task {TARGET}"),
    "policies remove": names(f"--project --task {TARGET}"),
    "prices list": names(f"--project --json {TARGET}"),
    "prices add": names(f"file --project {TARGET}"),
    "prices remove": names(f"price_id --project {TARGET}"),
    "prices reprice": names(f"--project {TARGET}"),
    "prices correct": names(f"--provider --model --from --to --reason --project --yes {TARGET}"),
    "traces restore": names(f"file --retention-days {TARGET}"),
    "provider-keys put": names("name --stack"),
    "deploy": names("--stack --region --profile --environment --guided --check"),
    "audit": names(f"day --days --project --repair {TARGET}"),
    "export": names(
        f"""file --format --project --task --from --to --environment --key-id --provider --model --status --metadata
        --cursor {TARGET}"""
    ),
}


def test_the_commands_and_their_options() -> None:
    found = dict(_commands(typer.main.get_command(cli)))
    check("a command", found, set(COMMANDS))
    for command, options in found.items():
        check(f"an option of {command}", options, COMMANDS[command])


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    groups = getattr(command, "commands", {})
    for word, inner in groups.items():
        yield from _commands(inner, (*words, word))
    if not groups:
        yield " ".join(words), {option for parameter in command.params for option in parameter.opts}
