"""A conversation in the API's JSON format. The field names are a public contract."""

from console.conversation_shapes import ConversationCallsJson, ConversationJson, ConversationPageJson
from console.moments import iso_utc
from console.sums_json import sums_json
from console.trace_json import entry_json
from switchboard.domain.conversation import Conversation, ConversationCalls, ConversationPage
from switchboard.domain.rates import usd


def conversation_page_json(page: ConversationPage) -> ConversationPageJson:
    """One page of a list."""
    return {"conversations": list(map(conversation_json, page.conversations)), "next_cursor": page.next_cursor}


def conversation_calls_json(found: Conversation, calls: ConversationCalls) -> ConversationCallsJson:
    """A conversation with a page of its calls."""
    return {
        **conversation_json(found),
        "traces": list(map(entry_json, calls.traces)),
        "next_cursor": calls.next_cursor,
    }


def conversation_json(found: Conversation) -> ConversationJson:
    """What a conversation adds up to."""
    per_minute = found.pico_usd_per_minute
    return {
        "conversation_id": found.conversation_id,
        "is_thread": found.is_thread,
        "first_call_at": iso_utc(found.seen.first),
        "last_call_at": iso_utc(found.seen.last),
        "ended_at": iso_utc(found.ended_at),
        "duration_ms": found.duration_ms,
        "call_duration_s": found.call_duration_s,
        "cost_per_minute_usd": None if per_minute is None else usd(per_minute),
        "turns": found.turns,
        "retries": found.retries,
        "models": list(found.facts.models),
        "worst_ttft_ms": found.facts.worst_ttft_ms,
        "stalls": found.stalls,
        "longest_stall_ms": found.facts.longest_stall_ms,
        **sums_json(found.totals),
    }
