"""xAI.

Reasoning models answer 400 to `stop` and the penalties, and few models take `reasoning_effort`. The completion's count
excludes reasoning; both are billed. Usage tells the charge itself, `cost_in_usd_ticks`, and `num_sources_used`, the
sources of live searches. Errors come as `{"code", "error"}`, both strings.
https://docs.x.ai/developers/cost-tracking · https://docs.x.ai/developers/rest-api-reference/inference/chat · https://docs.x.ai/developers/model-capabilities/text/reasoning
"""

import re

from gateway.domain.codec import Draft
from gateway.providers.chat_completions.bills import read_ticks
from gateway.providers.chat_completions.usage import read_reasoning_outside
from gateway.providers.histories.refusals import Empty, NameRule, Refusals
from gateway.providers.histories.rules import USERS
from gateway.providers.hosts import region_in
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider

_DOES_NOT_REASON = re.compile(r"grok-(?:2|beta|3(?!-mini))|.*non-reasoning")
_TAKES_EFFORT = re.compile(r"grok-(?:3-mini|latest|4\.(?:[3-9](?!\d))|[5-9])")


def fit_reasoning_models(body: Draft) -> None:
    """For reasoning models: penalties and stop sequences left out; `reasoning_effort` where the model has none."""
    if not _DOES_NOT_REASON.match(body.model):
        for name in ("presence_penalty", "frequency_penalty", "stop"):
            body.drop(name)
    if not _TAKES_EFFORT.match(body.model):
        body.drop("reasoning_effort")


XAI = Provider(
    "xai",
    "https://api.x.ai/v1",
    hosts=("api.x.ai", "*.api.x.ai"),
    models=("grok-",),
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "n", "seed", "user", "frequency_penalty", "presence_penalty"),
        *("logprobs", "top_logprobs", "parallel_tool_calls", "reasoning_effort", "search_parameters", "deferred"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"name", "reasoning_content"},
    refuses=Refusals(
        empty=Empty.BLANK,
        functions=True,
        open_schemas=True,
        foreign_fields=True,
        media_roles=USERS,
        tool_names=NameRule(),
        sender_names=NameRule(),
    ),
    repairs=(fit_reasoning_models,),
    may_tag_reasoning=False,
    region_of=region_in(r"([a-z0-9-]+)\.api\.x\.ai"),
    read_usage=read_reasoning_outside,
    read_bill=read_ticks,
)
