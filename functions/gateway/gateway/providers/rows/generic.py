"""Any other URL that takes Chat Completions. Its accepted fields are unknown, so all are sent.

Kimi and DeepSeek models that think want the reasoning of a turn that called tools back as `reasoning_content`.
https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model

Perplexity tells what it charged in `cost.total_cost`, with its fee for the request. https://docs.perplexity.ai/api-reference
"""

import re

from gateway.domain.codec import Draft
from gateway.providers.chat_completions.bills import read_total_cost
from gateway.providers.chat_completions.reasoning_state import send_back_text
from gateway.providers.histories.rules import UNKNOWN_SERVER
from gateway.providers.provider import Provider
from gateway.providers.repairs import end_with_user_for_claude

_WANTS_REASONING = re.compile(r"kimi-k(?:2-thinking|2\.\d|[3-9])|deepseek-(?:reasoner|v[4-9])|mimo-v", re.IGNORECASE)


def wants_reasoning(body: Draft) -> bool:
    """Whether the model is known to want its reasoning back."""
    return _WANTS_REASONING.search(body.model) is not None


GENERIC = Provider(
    "generic",
    refuses=UNKNOWN_SERVER,
    repairs=(end_with_user_for_claude,),
    reasoning_field=send_back_text(wants_reasoning),
    read_bill=read_total_cost,
)
