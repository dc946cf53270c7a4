"""Azure OpenAI.

OpenAI's models under a resource's own host: `https://<resource>.openai.azure.com/openai/deployments/<deployment>` with
`?api-version=`, or `…/openai/v1`. The key is sent as `api-key`. The accepted fields depend on that version;
`stream_options` needs 2024-09-01-preview or later. A deployment may have any name: `model` names its model.
https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from gateway.providers.provider import Provider
from gateway.providers.rows.openai import (
    OPENAI_FIELDS,
    OPENAI_MESSAGE_FIELDS,
    fit_reasoning_effort,
    fit_reasoning_models,
)

AZURE = Provider(
    "azure",
    hosts=("*.openai.azure.com", "*.cognitiveservices.azure.com", "*.services.ai.azure.com"),
    key_headers=lambda key: {"api-key": key},
    accepts=(OPENAI_FIELDS - {"web_search_options", "service_tier"}) | {"data_sources"},
    accepts_in_messages=OPENAI_MESSAGE_FIELDS,
    repairs=(fit_reasoning_models, fit_reasoning_effort),
    may_tag_reasoning=False,
)
