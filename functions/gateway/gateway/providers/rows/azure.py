"""Azure OpenAI.

OpenAI's models under a resource's own host: `https://<resource>.openai.azure.com/openai/deployments/<deployment>` with
`?api-version=`, or `…/openai/v1`; other models at `https://<resource>.services.ai.azure.com/models`. The key is sent as
`api-key`. The accepted fields depend on that version; `stream_options` needs 2024-09-01-preview or later. A deployment
may have any name: `model` names its model. Anybody can have a resource, so policies allow resources by their hosts.
https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from gateway.providers.paths import ENDPOINT, served_under, tidy
from gateway.providers.provider import Provider
from gateway.providers.rows.openai import (
    OPENAI_FIELDS,
    OPENAI_MESSAGE_FIELDS,
    OPENAI_REFUSALS,
    fit_reasoning_effort,
    fit_reasoning_models,
)

_bare = served_under("/openai/v1")


def _home_path(host: str, path: str) -> str:
    """`/openai/v1` for a bare host; deployments and `/models` have no version in their paths."""
    trimmed = tidy(path)
    return trimmed + ENDPOINT if trimmed.endswith("/models") else _bare(host, trimmed)


AZURE = Provider(
    "azure",
    hosts=tuple(
        f"*.{service}.azure.{ending}"
        for service in ("openai", "cognitiveservices", "services.ai")
        for ending in ("com", "us", "cn")
    ),
    has_tenant_hosts=True,
    home_path=_home_path,
    key_headers=lambda key: {"api-key": key},
    accepts=(OPENAI_FIELDS - {"web_search_options", "service_tier"}) | {"data_sources"},
    accepts_in_messages=OPENAI_MESSAGE_FIELDS,
    refuses=OPENAI_REFUSALS,
    repairs=(fit_reasoning_models, fit_reasoning_effort),
    may_tag_reasoning=False,
)
