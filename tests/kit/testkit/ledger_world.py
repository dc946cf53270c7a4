"""Calls of a small world, made from a seed: projects, tasks, callers, conversations, models with and without price."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from switchboard.domain.trace import AttemptRecord, Failure, RequestIds, Status, Trace, Turn
from switchboard.domain.trace_id import new_trace_id
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.store import key_items
from switchboard.store.attributes import encode_item
from switchboard.store.traces import trace_items
from testkit.samples import NOON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PROJECTS = ("acme", "globex")
DAYS = 3
"""The calls lie in these last whole UTC days before noon, all of them closed."""
FIRST = (NOON - timedelta(days=DAYS + 1)).replace(hour=0)
EXPIRES_AT = int((NOON + timedelta(days=30)).timestamp())

_MODELS = (
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("google", "gemini-2.5-flash"),
    ("groq", "llama-3.3-70b-versatile"),
    ("generic", "my-own-model"),
)
_STATUSES = (*[Status.OK] * 12, Status.UPSTREAM_ERROR, Status.CLIENT_CLOSED, Status.SUPERSEDED, Status.INTERRUPTED)
_CALLS_OF_CONVERSATION = 10
_BATCH_WRITE = 25


def calls(count: int, seed: int) -> list[Trace]:
    """Finished calls, none of them settled, in no order."""
    random = Random(seed)
    return [_call(number, count, random) for number in range(count)]


def store(client: "DynamoDBClient", table: str, traces: list[Trace]) -> None:
    """Put the rows of the calls, as the gateway would, and those of the projects, as sweeps leave them."""
    projects = [
        {**key_items.project_item(project), "dimensions_since": FIRST.date().isoformat()} for project in PROJECTS
    ]
    items = [encode_item(project) for project in projects] + [
        encode_item(trace_items.to_item(trace, EXPIRES_AT)) for trace in traces
    ]
    for start in range(0, len(items), _BATCH_WRITE):
        requests: Any = [{"PutRequest": {"Item": item}} for item in items[start : start + _BATCH_WRITE]]
        while requests:
            requests = client.batch_write_item(RequestItems={table: requests})["UnprocessedItems"].get(table, [])


def _call(number: int, count: int, random: Random) -> Trace:
    conversation = random.randrange(max(1, count // _CALLS_OF_CONVERSATION))
    own = Random(conversation)  # what all calls of a conversation share
    project, agent = own.choice(PROJECTS), f"agent_{own.randrange(4)}"
    began = FIRST + timedelta(milliseconds=own.randrange(DAYS * 86_400_000 - 3_600_000) + random.randrange(3_600_000))
    provider, model = random.choice(_MODELS)
    status = random.choice(_STATUSES)
    ttft_ms = None if status is Status.UPSTREAM_ERROR else round(random.lognormvariate(6, 0.6), 3)
    return Trace(
        trace_id=new_trace_id(began, random),
        project=project,
        task_id=own.choice(("booking", "support", "sales", "a#task%", "Ümlaut")),
        environment=own.choice(("production", "staging")),
        started_at=began,
        status=status,
        streamed=True,
        key_id=f"key_{own.randrange(3):012x}",
        model=model,
        provider=provider,
        metadata=_metadata(conversation, agent, own, random),
        ttft_ms=ttft_ms,
        first_sentence_ms=None if ttft_ms is None else ttft_ms + 200,
        longest_stall_ms=random.choice((None, 12.5, 400.0, 1500.25)),
        duration_ms=round((ttft_ms or 50) + random.uniform(100, 3000), 3),
        usage=_usage(status, random),
        attempts=_attempts(random, provider, model),
        failure=None if status is Status.OK else Failure(status.value, "It failed.", 502),
        turn=Turn(f"{number:024x}"[-24:], random.choice((0, 0, 0, 1))),
        prompt_version=f"{own.randrange(4):012x}",
        prompt_characters=4000,
        request_ids=RequestIds(provider="req_1"),
        expires_at=EXPIRES_AT,
    )


def _metadata(conversation: int, agent: str, own: Random, random: Random) -> dict[str, str]:
    entries = {
        "agent-id": agent,
        "conversation-id": f"conv_{conversation}",
        "caller-id": f"+49{own.randrange(40):09d}",
        "call-sid": f"CA{conversation:032x}",
        "call-duration-secs": str(random.randrange(1, 900)),
    }
    return {name: value for name, value in entries.items() if own.random() < 0.9}


def _usage(status: Status, random: Random) -> Usage:
    if status is Status.UPSTREAM_ERROR:
        return ABSENT
    source = UsageSource.ESTIMATED if status is not Status.OK else UsageSource.PROVIDER
    tokens = Tokens(
        fresh_input=random.randrange(1, 5000),
        output=random.randrange(400),
        cache_read=random.choice((0, 0, 2048)),
        cache_write_5m=random.choice((0, 0, 0, 512)),
        reasoning=0,
    )
    return Usage(source, tokens, random.choice((None, None, None, None, 123_456_789)))


def _attempts(random: Random, provider: str, model: str) -> tuple[AttemptRecord, ...]:
    own = AttemptRecord(provider, f"api.{provider}.example", model, "ok", 3.0, 900.0, status=200)
    if random.random() < 0.8:
        return (own,)
    other = random.choice(_MODELS)
    lost = Usage(UsageSource.ESTIMATED, Tokens(fresh_input=random.randrange(1, 5000), output=0))
    hedge = replace(own, provider=other[0], model=other[1], outcome="outpaced", is_hedge=True, usage=lost)
    return (own, hedge)
