"""What an answer tells of how it was served: service tier, region, speed and model."""

from collections.abc import Callable
from dataclasses import replace

from gateway.domain.call import Target
from gateway.domain.json_text import object_field
from gateway.providers import table
from switchboard.domain.limits import MAX_ANSWER_NAME_CHARACTERS
from switchboard.domain.model_names import same_model
from switchboard.domain.usage import Usage, told
from switchboard.stream.deltas import Json
from switchboard.stream.transcript import Transcript

_TIERS_OF_TRAFFIC = {"on_demand_priority": "priority", "on_demand_flex": "flex"}
"""Google's types of traffic that other providers call service tiers."""
_UNKNOWN_REGIONS = frozenset({"not_available"})


def with_terms(usage: Usage, transcript: Transcript, target: Target, scrub: Callable[[str], str]) -> Usage:
    """The usage with how the answer was served; one without tokens stays as it is.

    `scrub` removes the call's secrets from a text: providers repeat them.
    """
    if usage.tokens is None:
        return usage
    usage = _with_search(usage, target)
    counters = {
        name: scrub(value) if isinstance(value, str) else value for name, value in (transcript.usage or {}).items()
    }
    answered = transcript.model and _another_model(transcript.model, target.model)
    tier = _service_tier(counters, transcript.service_tier and scrub(transcript.service_tier))
    region = _region(counters) or told(table.by_dialect(target.dialect).region_of(target.host))
    speed = told(counters.get("speed"))
    if not (tier or region or speed or answered):
        return usage
    other = answered and scrub(answered)
    return replace(usage, service_tier=tier, region=region, speed=speed, answer_model=other)


def _with_search(usage: Usage, target: Target) -> Usage:
    """The usage with the one search of a model that always searches, where none is counted."""
    searching = table.by_dialect(target.dialect).searching
    if usage.tokens is None or usage.tokens.searches or searching is None or not searching.match(target.model):
        return usage
    return replace(usage, tokens=replace(usage.tokens, searches=1))


def _service_tier(counters: Json, beside: str | None) -> str | None:
    """Beside the usage, or in it: OpenAI, Groq, xAI; Anthropic; Google, which calls it traffic."""
    google = object_field(object_field(counters, "extra_properties"), "google")
    traffic = counters.get("traffic_type") or counters.get("trafficType") or google.get("traffic_type")
    tier = told(counters.get("service_tier")) or told(traffic) or told(beside)
    return _TIERS_OF_TRAFFIC.get(tier or "", tier)


def _region(counters: Json) -> str | None:
    region = told(counters.get("inference_geo"))
    return None if region in _UNKNOWN_REGIONS else region


def _another_model(answered: str, called: str) -> str | None:
    """The answer's model, unless it is the called one or one of its snapshots, or too long to be whole."""
    if answered == called or len(answered) >= MAX_ANSWER_NAME_CHARACTERS or same_model(answered, called):
        return None
    return answered
