"""OpenRouter.

Passes fields on to the provider of the model, so all are sent. Usage always comes, with `cost`, the price of the call
in US dollars. Errors have a number as their code, and the provider's own error text in `metadata`.
https://openrouter.ai/docs/api/reference/parameters · https://openrouter.ai/docs/use-cases/usage-accounting
"""

from dataclasses import replace

from gateway.providers.chat_completions.bills import read_cost
from gateway.providers.chat_completions.error_bodies import read_with_cause
from gateway.providers.chat_completions.reasoning_state import OF_OPENROUTER
from gateway.providers.histories.refusals import Empty
from gateway.providers.histories.rules import OPEN_MODELS, OPENAI_IDS
from gateway.providers.paths import served_under
from gateway.providers.provider import Provider
from gateway.providers.repairs import end_with_user_for_claude

OPENROUTER = Provider(
    "openrouter",
    "https://openrouter.ai/api/v1",
    hosts=("openrouter.ai",),
    home_path=served_under("/api/v1"),
    refuses=replace(OPEN_MODELS, empty=Empty.BLANK, foreign_fields=False, media_roles=None, call_ids=OPENAI_IDS),
    repairs=(end_with_user_for_claude,),
    reasoning_field=OF_OPENROUTER,
    read_bill=read_cost,
    read_error=read_with_cause,
)
