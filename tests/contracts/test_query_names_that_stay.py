"""The parameters of the queries, and the fields of their answers, that programs of operators depend on."""

import pytest

from console.assembly import build
from console.settings import Settings
from testkit.memory_store import MemoryStore

SUMS = "calls errors cost_usd unheard_usd saved_usd unpriced_calls partly_priced_calls estimated_calls tokens"
CONVERSATION = f"""{SUMS} conversation_id is_thread first_call_at last_call_at ended_at duration_ms call_duration_s
cost_per_minute_usd turns retries models worst_ttft_ms stalls longest_stall_ms"""
FIELDS = {
    "TokensJson": """fresh_input cache_read cache_write_5m cache_write_1h output reasoning audio_input audio_cache_read
    audio_output image_input image_cache_read image_output searches""",
    "PercentilesJson": "count p50 p95 p99",
    "LatencyJson": "ttft_ms first_sentence_ms duration_ms",
    "CostSumsJson": f"{SUMS} cost_per_call_usd latency",
    "CostRowJson": f"{SUMS} cost_per_call_usd latency group",
    "GroupJson": "task environment key agent provider model status caller hour day month",
    "ProjectCostsJson": "from to timezone dimensions_since notes total rows truncated",
    "ConversationJson": CONVERSATION,
    "ConversationCallsJson": f"{CONVERSATION} traces next_cursor",
    "ConversationPageJson": "conversations next_cursor",
    "FacetValueJson": "value calls",
    "FacetJson": "name values truncated",
    "FacetsJson": "from to dimensions_since facets",
    "TracePageJson": "traces next_cursor searched_since",
}
PARAMETERS = {
    "/api/traces": "task_id environment key_id provider model status metadata sort from to limit cursor",
    "/api/conversations": "from to limit cursor",
    "/api/conversations/{conversation_id}": "conversation_id limit cursor",
    "/api/costs": "group_by from to tz task environment key agent provider model status caller latency",
    "/api/facets": "from to",
}
DOCUMENT = build(Settings("unused"), MemoryStore()).openapi()


@pytest.mark.parametrize("shape", FIELDS)
def test_the_fields_of_an_answer(shape: str) -> None:
    assert set(DOCUMENT["components"]["schemas"][shape]["properties"]) == set(FIELDS[shape].split())


@pytest.mark.parametrize("path", PARAMETERS)
def test_the_parameters_of_a_query(path: str) -> None:
    found = {parameter["name"] for parameter in DOCUMENT["paths"][path]["get"]["parameters"]}
    assert found == set(PARAMETERS[path].split())
