"""The routes of the gateway; a request becomes a call, or is refused."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import ClientDisconnect

from gateway.api.arrival import arrival_of
from gateway.api.auth import Authenticator
from gateway.api.body import parse_chat
from gateway.api.calls_first import CALLS_PATH, CallsFirst
from gateway.api.credentials import (
    PROVIDER_KEY_HEADER,
    Headers,
    first_of,
    gateway_key,
    refuse_too_many,
    secrets_of,
    without_scheme,
)
from gateway.api.endings import LEFT_EARLY
from gateway.api.error_answers import ErrorAnswer, answer_error, answer_internal
from gateway.api.headers import read_labels, read_route, with_extras
from gateway.api.known_request import KnownRequest
from gateway.api.other_routes import (
    answer_broken,
    describe_model,
    list_models,
    refuse_responses,
    refuse_route,
    tell_health,
)
from gateway.api.paths import App, PathRepair, Receive, Scope, Send
from gateway.api.platform_ids import platform_ids
from gateway.api.refusal import Refusal
from gateway.api.reply import Reply
from gateway.api.request_body import read_body
from gateway.api.responses import call_headers, entry_of, respond, respond_with_error, scrubbed_answer
from gateway.domain.call import Call, Capture, Labels, Route
from gateway.domain.clock import Clock
from gateway.domain.errors import CallRefused, GatewayError, HeaderMalformed, KeysUnavailable
from gateway.domain.large import beside_the_loop
from gateway.domain.secret import Scrubber
from gateway.recording.journal import Journal
from gateway.recording.recorder import Recorder
from gateway.recording.scrubbed_trace import scrubbed_ids
from gateway.recording.telemetry import Telemetry
from gateway.relay.relay import Relay
from gateway.routing.plan import Plan, Planner
from gateway.turns.tracker import Tracker
from gateway.turns.turns import Turns, ids_of
from switchboard.domain.keys import PREFIX, digest, key_id
from switchboard.domain.limits import MAX_MESSAGES
from switchboard.domain.notes import add_notes
from switchboard.domain.policy import Policy
from switchboard.domain.trace import Failure, RequestIds, Status
from switchboard.domain.turns import TurnIds


@dataclass(frozen=True, slots=True)
class Gateway:
    """What answers calls, composed."""

    authenticator: Authenticator
    planner: Planner
    relay: Relay
    recorder: Recorder
    turns: Turns
    telemetry: Telemetry
    clock: Clock
    random: Random
    capture: Capture
    has_demo: bool
    max_messages: int = MAX_MESSAGES

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one chat completion request, as an ASGI application."""
        reply = await self.answer(Request(scope, receive, send))
        await reply(scope, receive, send)

    async def answer(self, request: Request) -> Response | Refusal | Reply:
        """The reply to one chat completion request."""
        try:
            return await self._reply(request)
        except Exception as error:  # noqa: BLE001 — the caller gets an answer whatever happens, the log gets the reason
            Scrubber(secrets_of(request.headers)).exception(error)
            self.telemetry.failed(entry_of(request).request_id, _platform_ids(request))
            return respond_with_error(request, answer_internal(), Labels().task_id)

    async def _reply(self, request: Request) -> Response | Refusal | Reply:
        arrival = arrival_of(request)
        headers = first_of(request.headers)
        try:
            caller = await self.authenticator.authenticate(gateway_key(headers))
        except GatewayError as error:
            return self._refuse_unauthenticated(error, request)
        known = KnownRequest(request, arrival, caller, self.clock.milliseconds_since(arrival.moment), headers)
        try:
            call, policy = await self._read(known)
            plan = self.planner.plan(call, policy)
            ids = await beside_the_loop(call.body, lambda: _turn_ids(call))
        except (CallRefused, KeysUnavailable) as refused:
            return self._refuse(known, answer_error(refused).scrubbed(known.scrubber))
        except ClientDisconnect:
            return self._left(known)
        except Exception as error:  # noqa: BLE001 — as above; of a caller that is known, there is a trace too
            known.scrubber.exception(error)
            self.telemetry.failed(known.trace_id, known.platform_ids)
            return self._refuse(known, answer_internal())
        platform = known.platform_ids
        journal = Journal(call, self.clock, platform_ids=platform, request_scrubber=known.scrubber)
        add_notes(journal.notes, plan.notes)
        tracker = self._watch(call, plan, policy, ids, platform)
        return Reply(journal, plan, self.relay, self.recorder, self.telemetry, tracker)

    async def _read(self, known: KnownRequest) -> tuple[Call, Policy]:
        """The call, and the policy that holds for it. Raises CallRefused, KeysUnavailable or ClientDisconnect."""
        headers = known.headers
        refuse_too_many(known.secrets)
        known.labels = read_labels(headers, self.capture, known.scrubber)
        policy = self.planner.policy(known.caller, known.labels.task_id)
        if policy.zero_retention:
            known.labels = known.labels.under_zero_retention()
        body = await read_body(known.request)
        chat = await parse_chat(body, self.max_messages)
        known.labels = with_extras(known.labels, chat, known.scrubber)
        route = read_route(headers)
        await self._refuse_own_keys(route, headers)
        call = Call(
            trace_id=known.trace_id,
            arrival=known.arrival,
            auth_ms=known.auth_ms,
            caller=known.caller,
            labels=known.labels,
            route=route,
            chat=chat,
            body=body,
            secrets=known.secrets,
        )
        return call, policy

    async def _refuse_own_keys(self, route: Route, headers: Headers) -> None:
        """Send no key of this deployment to a provider. A key of another Switchboard is a provider's key.

        Raises HeaderMalformed or KeysUnavailable.
        """
        for key in (route.key, *route.keys.values(), *route.upstream_headers.values()):
            text = without_scheme(key.reveal()) if key is not None else ""
            if text.startswith(PREFIX) and (text == gateway_key(headers) or await self.authenticator.knows(text)):
                raise HeaderMalformed(
                    "This is a gateway key of this deployment: it is not sent to a provider. Send the provider's key.",
                    param=PROVIDER_KEY_HEADER,
                )

    def _watch(self, call: Call, plan: Plan, policy: Policy, ids: TurnIds | None, platform: RequestIds) -> Tracker:
        arrived_at = call.arrival.at - timedelta(milliseconds=call.arrival.queue_ms or 0)
        return self.turns.begin(
            call.caller.project,
            ids,
            arrived_at,
            call.trace_id,
            has_choice=len(plan.targets) > 1,
            counts_retries=policy.recognises_retries is not False,
            platform_ids=platform,
        )

    def _refuse_unauthenticated(self, error: GatewayError, request: Request) -> Response:
        answer = scrubbed_answer(error, request)
        key = gateway_key(request.headers)
        name, trace_id = key_id(digest(key)) if key else None, entry_of(request).request_id
        self.telemetry.refused(answer.failure, name, trace_id, _platform_ids(request))
        return respond_with_error(request, answer, Labels().task_id)

    def _refuse(self, known: KnownRequest, answer: ErrorAnswer) -> Refusal:
        response = respond_with_error(known.request, answer, known.labels.task_id)
        return Refusal(response, self._record(known, answer.failure))

    def _left(self, known: KnownRequest) -> Refusal:
        """Record a caller that left before its request was complete; the response is for a log of the server."""
        failure, status = LEFT_EARLY.failure, LEFT_EARLY.status
        response = respond(b"", call_headers(known.trace_id, known.labels.task_id), failure.http_status)
        return Refusal(response, self._record(known, failure, status))

    def _record(
        self, known: KnownRequest, failure: Failure, status: Status = Status.REFUSED
    ) -> Callable[[], Awaitable[None]]:
        return partial(
            self.recorder.refused,
            *(known.trace_id, known.arrival, known.caller, known.labels, failure),
            status=status,
            platform_ids=known.platform_ids,
        )


def _platform_ids(request: Request) -> RequestIds:
    return scrubbed_ids(platform_ids(request.scope), Scrubber(secrets_of(request.headers)))


def _turn_ids(call: Call) -> TurnIds | None:
    labels, chat = call.labels, call.chat
    return ids_of(call.caller.project, labels.conversation, chat.messages, kind=(labels.task_id, chat.model))


def create_app(gateway: Gateway) -> App:
    """The gateway's ASGI application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    # Plain routes: FastAPI would serialise a reply of a class it does not know, and its response models cost 60 ms at
    # start.
    app.add_route(CALLS_PATH, gateway.answer, methods=["POST"])  # type: ignore[arg-type]
    app.add_route("/v1/models", list_models(has_demo=gateway.has_demo), methods=["GET"])
    app.add_route("/v1/models/{name:path}", describe_model(has_demo=gateway.has_demo), methods=["GET"])
    app.add_route("/v1/responses", refuse_responses, methods=["POST"])
    app.add_route("/health", tell_health, methods=["GET"])
    app.add_exception_handler(HTTPException, refuse_route)
    app.add_exception_handler(Exception, answer_broken)
    calls = ServerErrorMiddleware(gateway.serve, handler=answer_broken)
    return PathRepair(CallsFirst(calls, app), gateway.clock, gateway.random)
