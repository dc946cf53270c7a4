"""OpenRouter.

Passes fields on to the provider of the model, so all are sent. Usage always comes, with `cost`, the price of the call
in US dollars. Errors have a number as their code, and the provider's own error text in `metadata`.
https://openrouter.ai/docs/api/reference/parameters · https://openrouter.ai/docs/use-cases/usage-accounting
"""

from dataclasses import replace
from decimal import Decimal

from gateway.providers.chat_completions.error_bodies import read_with_cause
from gateway.providers.chat_completions.reasoning_state import OF_OPENROUTER
from gateway.providers.histories.refusals import Empty
from gateway.providers.histories.rules import OPEN_MODELS, OPENAI_IDS
from gateway.providers.paths import served_under
from gateway.providers.provider import Provider
from gateway.providers.repairs import end_with_user_for_claude
from switchboard.domain.limits import MAX_BILL_PICO_USD
from switchboard.stream.deltas import Json

PICO = 10**12


def read_bill(usage: Json | None) -> int | None:
    """What OpenRouter charged for a call, in pico-dollars; None where it did not report it.

    With the caller's own key at the provider (`is_byok`), `cost` is OpenRouter's fee; the provider's part is added.
    """
    if usage is None or (fee := _pico_usd(usage.get("cost"))) is None:
        return None
    details = usage.get("cost_details")
    if usage.get("is_byok") is not True or not isinstance(details, dict):
        return fee
    return fee + (_pico_usd(details.get("upstream_inference_cost")) or 0)


def _pico_usd(amount: object) -> int | None:
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount * PICO <= MAX_BILL_PICO_USD:
        return None
    return round(Decimal(str(amount)) * PICO)


OPENROUTER = Provider(
    "openrouter",
    "https://openrouter.ai/api/v1",
    hosts=("openrouter.ai",),
    home_path=served_under("/api/v1"),
    refuses=replace(OPEN_MODELS, empty=Empty.BLANK, foreign_fields=False, media_roles=None, call_ids=OPENAI_IDS),
    repairs=(end_with_user_for_claude,),
    reasoning_field=OF_OPENROUTER,
    read_bill=read_bill,
    read_error=read_with_cause,
)
