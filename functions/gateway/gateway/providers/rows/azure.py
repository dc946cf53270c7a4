"""Azure OpenAI.

OpenAI's models under a resource's own host: `https://<resource>.openai.azure.com/openai/deployments/<deployment>` with
`?api-version=`, or `…/openai/v1`; other models at `https://<resource>.services.ai.azure.com/models`. The key is sent as
`api-key`. The accepted fields depend on that version; `stream_options` needs 2024-09-01-preview or later, and is
refused beside `data_sources`. A deployment may have any name: `model` names its model. Anybody can have a resource, so
policies allow resources by their hosts.
https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

import re
from urllib.parse import parse_qs, urlsplit

from gateway.domain.codec import Draft
from gateway.providers.paths import ENDPOINT, served_under, tidy
from gateway.providers.provider import Provider
from gateway.providers.rows.openai import (
    OPENAI_FIELDS,
    OPENAI_MESSAGE_FIELDS,
    OPENAI_REFUSALS,
    fit_reasoning_effort,
    fit_reasoning_models,
    fit_text_fields,
)

_bare = served_under("/openai/v1")


def _home_path(host: str, path: str) -> str:
    """`/openai/v1` for a bare host; deployments and `/models` have no version in their paths."""
    trimmed = tidy(path)
    return trimmed + ENDPOINT if trimmed.endswith("/models") else _bare(host, trimmed)


_FIRST_WITH_STREAM_OPTIONS = "2024-09-01"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def leave_out_stream_options(body: Draft) -> None:
    """Leaves out `stream_options` before the API version 2024-09-01-preview, and beside `data_sources`."""
    if not body.fields.get("data_sources") and not _is_older(body.url):
        return
    body.put_back("stream_options")
    body.drop("stream_options")


def _is_older(url: str) -> bool:
    version = parse_qs(urlsplit(url).query).get("api-version", [""])[0] if "api-version" in url else ""
    date = _DATE.match(version)
    return date is not None and date[0] < _FIRST_WITH_STREAM_OPTIONS


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
    repairs=(leave_out_stream_options, fit_reasoning_models, fit_reasoning_effort, fit_text_fields),
    may_tag_reasoning=False,
)
