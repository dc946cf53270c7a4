"""Converts a chat completion request to one of Anthropic's Messages API, marked for its prompt cache.

https://platform.claude.com/docs/en/api/messages
"""

from hashlib import sha256

from gateway.domain.codec import Draft, Memory
from gateway.domain.json_text import object_field, write_json
from gateway.providers.anthropic.cache import mark
from gateway.providers.anthropic.schema import reduced
from gateway.providers.anthropic.tools import tool_choice, tools, tools_of
from gateway.providers.anthropic.turns import History
from gateway.providers.claude_models import Claude, claude
from gateway.providers.repairs import Capped

ACCEPTED = frozenset(
    {
        "model",
        "messages",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "user",
        "reasoning_effort",
        "response_format",
    }
)
"""The fields that are translated; all others have no counterpart."""

_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}


def write(body: Draft, _memory: Memory) -> bytes:
    """A request of the Messages API, marked for its prompt cache.

    The same tools, system prompt and history give the same bytes on every turn, so that the cache matches them.
    """
    translate(body)
    return write_json(body.fields)


def translate(body: Draft) -> None:
    """Replace the fields of Chat Completions by Anthropic's."""
    model = claude(body.model)
    limit_sampling(body)
    requested = body.fields
    history = History(body.note)
    for message in body.messages:
        history.add(message)
    history.finish()
    fields: dict[str, object] = {"model": requested["model"], "max_tokens": _max_tokens(body, model)}
    fields |= _tool_fields(body, model, history)
    if history.system:
        fields["system"] = history.system
    fields["messages"] = history.turns
    fields |= _stop(body) | _thinking(body, model) | _user(body)
    if form := _format(body, model):
        fields["output_config"] = object_field(fields, "output_config") | form
    fields |= {name: requested[name] for name in ("temperature", "top_p", "stream") if requested.get(name) is not None}
    mark(fields)
    body.fields = fields


def limit_sampling(body: Draft) -> None:
    """Keeps temperature and top_p within what the model takes: at most 1, not both, and none at all since Opus 4.7."""
    model = claude(body.model)
    for name in ("temperature", "top_p"):
        value = body.fields.get(name)
        if not isinstance(value, int | float) or not model.takes_sampling:
            body.drop(name)
        elif not 0 <= value <= 1:
            body.fields[name] = min(1, max(0, value))
            body.note(f"capped {name}")
    if "temperature" in body.fields and not model.takes_both_sampling_fields:
        body.drop("top_p")


def limit_output(body: Draft) -> None:
    """Lowers the output limit to the most that the model documents."""
    if (most := claude(body.model).most_max_tokens) is not None:
        for name in ("max_completion_tokens", "max_tokens"):
            Capped(name, most)(body)


def _max_tokens(body: Draft, model: Claude) -> int:
    """The caller's limit, or the model's default: Anthropic requires one."""
    limit_output(body)
    limits = (body.fields.get("max_completion_tokens"), body.fields.get("max_tokens"))
    return next((int(limit) for limit in limits if isinstance(limit, int | float)), model.default_max_tokens)


def _format(body: Draft, model: Claude) -> dict[str, object]:
    """The schema of the answer, where the model takes one; JSON without a schema has no counterpart."""
    asked = object_field(body.fields, "response_format")
    schema = object_field(object_field(asked, "json_schema"), "schema")
    if asked.get("type") == "json_schema" and schema and model.takes_schemas:
        return {"format": {"type": "json_schema", "schema": reduced(schema, "response_format", body.note)}}
    if asked.get("type") == "text":
        return {}
    body.drop("response_format")
    return {}


def _tool_fields(body: Draft, model: Claude, history: History) -> dict[str, object]:
    requested = body.fields
    if found := tools(requested.get("tools"), model, body.note):
        choice = tool_choice(requested.get("tool_choice"), requested.get("parallel_tool_calls"), model, body.note)
        return {"tools": found} | ({"tool_choice": choice} if choice is not None else {})
    if found := tools_of(history.turns):
        body.note("defined the tools that the history has called")
        return {"tools": found, "tool_choice": {"type": "none"}}
    return {}


def _stop(body: Draft) -> dict[str, object]:
    requested = body.fields.get("stop")
    stops = requested if isinstance(requested, list) else [requested]
    usable = [stop for stop in stops if isinstance(stop, str) and stop.strip()]
    if requested is not None and len(usable) < len(stops):
        body.note("left out a stop sequence of nothing but white space")
    return {"stop_sequences": usable} if usable else {}


def _thinking(body: Draft, model: Claude) -> dict[str, object]:
    """The reasoning effort in the field that the model's version documents; before 4.6 there are only budgets."""
    effort = body.fields.get("reasoning_effort")
    if effort is None:
        return {}
    if effort == "none" and model.can_disable_thinking:
        return {"thinking": {"type": "disabled"}}
    if effort == "none" and model.thinks_by_default:
        body.note("sent the lowest reasoning_effort: the model always thinks")
        return {"output_config": {"effort": "low"}}
    if not model.takes_effort or not isinstance(effort, str) or effort not in _EFFORTS:
        body.drop("reasoning_effort")
        return {}
    level = _EFFORTS[effort]
    if level == "xhigh" and not model.takes_extra_high_effort:
        body.note("sent reasoning_effort high for xhigh")
        level = "high"
    return {"output_config": {"effort": level}}


def _user(body: Draft) -> dict[str, object]:
    """The user's id as a hash: Anthropic refuses ids that look like an address or a telephone number."""
    user = body.fields.get("user")
    if not isinstance(user, str) or not user:
        return {}
    body.note("sent user as a hash")
    return {"metadata": {"user_id": sha256(user.encode()).hexdigest()}}
