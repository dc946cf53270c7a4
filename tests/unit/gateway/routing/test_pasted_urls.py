"""Where calls go for the URLs that people paste, and which row of a provider they get."""

import pytest

from gateway.routing.plan import Plan
from switchboard.domain.policy import Policy
from testkit.planning import a_call, a_planner

NO_POLICY = Policy()


def _plan(url: str, provider: str | None = None, model: str = "m") -> Plan:
    return a_planner().plan(a_call(url=url, provider=provider, model=model), NO_POLICY)


GOOGLE = "https://generativelanguage.googleapis.com"
VERTEX = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1"
ACCOUNT = "https://api.cloudflare.com/client/v4/accounts/abc"
AZURE = "https://acme.openai.azure.com"
AI_SERVICES = "https://acme.services.ai.azure.com"
RUNTIME = "https://bedrock-runtime.eu-central-1.amazonaws.com"
FIPS = "https://bedrock-runtime-fips.us-east-1.amazonaws.com"
MANTLE = "https://bedrock-mantle.us-east-1.api.aws"
AIG = "https://gateway.ai.cloudflare.com/v1/account/gateway"
CHAT = "/chat/completions"

PASTED = [
    *((f"{GOOGLE}{path}", f"{GOOGLE}/v1beta/openai{CHAT}") for path in ("", "/", "/v1beta", "/v1", "/openai")),
    *((f"{GOOGLE}{path}", f"{GOOGLE}/v1beta/openai{CHAT}") for path in ("/v1beta/openai/", "/v1beta/models")),
    (f"{GOOGLE}/v1beta/openai{CHAT}", f"{GOOGLE}/v1beta/openai{CHAT}"),
    (VERTEX, f"{VERTEX}/endpoints/openapi{CHAT}"),
    (f"{VERTEX}/endpoints/openapi", f"{VERTEX}/endpoints/openapi{CHAT}"),
    *((f"https://api.groq.com{path}", f"https://api.groq.com/openai/v1{CHAT}") for path in ("", "/v1", "/openai")),
    ("https://api.groq.com/openai/v1/", f"https://api.groq.com/openai/v1{CHAT}"),
    *(
        (f"https://openrouter.ai{path}", f"https://openrouter.ai/api/v1{CHAT}")
        for path in ("", "/v1", "/api", "/api/v1")
    ),
    *((f"https://api.fireworks.ai{path}", f"https://api.fireworks.ai/inference/v1{CHAT}") for path in ("", "/v1")),
    ("https://api.fireworks.ai/inference", f"https://api.fireworks.ai/inference/v1{CHAT}"),
    *((f"{RUNTIME}{path}", f"{RUNTIME}/openai/v1{CHAT}") for path in ("", "/v1", "/openai", "/openai/v1")),
    (FIPS, f"{FIPS}/openai/v1{CHAT}"),
    (MANTLE, f"{MANTLE}/v1{CHAT}"),
    (f"{MANTLE}/v1", f"{MANTLE}/v1{CHAT}"),
    *((f"{AZURE}{path}", f"{AZURE}/openai/v1{CHAT}") for path in ("", "/openai", "/openai/v1", "/v1")),
    (f"{AZURE}/openai/deployments/d?api-version=1", f"{AZURE}/openai/deployments/d{CHAT}?api-version=1"),
    (f"{AI_SERVICES}/models?api-version=1", f"{AI_SERVICES}/models{CHAT}?api-version=1"),
    (AI_SERVICES, f"{AI_SERVICES}/openai/v1{CHAT}"),
    *((f"{ACCOUNT}{path}", f"{ACCOUNT}/ai/v1{CHAT}") for path in ("", "/ai", "/ai/v1", "/ai/v1/")),
    ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1/messages"),
    ("https://api.anthropic.com", f"https://api.anthropic.com/v1{CHAT}"),
    ("https://eu.api.openai.com/v1", f"https://eu.api.openai.com/v1{CHAT}"),
    ("https://models.example.com/v1", f"https://models.example.com/v1{CHAT}"),
]


@pytest.mark.parametrize(("pasted", "sent_to"), PASTED)
def test_a_known_hosts_calls_go_where_it_serves_them(pasted: str, sent_to: str) -> None:
    assert _plan(pasted).targets[0].url == sent_to


@pytest.mark.parametrize("path", ["/anthropic", "/anthropic/", "/anthropic/v1", "/anthropic/v1/messages"])
def test_a_gateway_in_front_of_anthropic_may_have_a_version_of_its_own(path: str) -> None:
    assert _plan(f"{AIG}{path}", "anthropic").targets[0].url == f"{AIG}/anthropic/v1/messages"


def test_another_hosts_url_is_joined_as_it_stands_whatever_provider_it_is_said_to_be() -> None:
    assert _plan("https://proxy.example.com/v1", "groq").targets[0].url == f"https://proxy.example.com/v1{CHAT}"


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        *((f"https://{region}.api.openai.com/v1", "openai") for region in ("eu", "us", "au", "in", "jp", "ae")),
        ("https://us-east-1.api.x.ai/v1", "xai"),
        ("https://acme.openai.azure.us/openai/v1", "azure"),
        ("https://acme.openai.azure.cn/openai/v1", "azure"),
        (FIPS, "bedrock"),
        ("https://bedrock-runtime.cn-north-1.amazonaws.com.cn", "bedrock"),
        (VERTEX, "google"),
        ("https://aiplatform.googleapis.com/v1/projects/p/locations/global/endpoints/openapi", "google"),
        ("https://api.anthropic.com/v1/messages", "anthropic"),
        ("https://api.anthropic.com/v1", "anthropic-openai"),
        ("https://bedrock-runtime.evil.s3.amazonaws.com", "generic"),
        ("https://api.openai.com.evil.test/v1", "generic"),
        ("https://evil-api.openai.com/v1", "generic"),
        ("https://a.b.api.openai.com/v1", "generic"),
        ("https://aiplatform.googleapis.com.evil.test", "generic"),
    ],
)
def test_regional_and_sovereign_hosts_get_their_providers_row(url: str, dialect: str) -> None:
    assert _plan(url).targets[0].dialect == dialect


def test_a_name_of_googles_lists_finds_google() -> None:
    plan = a_planner().plan(a_call(model="models/gemini-2.5-flash"), NO_POLICY)
    assert (plan.targets[0].provider, plan.targets[0].model) == ("google", "gemini-2.5-flash")


@pytest.mark.parametrize(
    ("asked", "sent"),
    [("claude-3-7-sonnet", "claude-3-7-sonnet-latest"), ("claude-3-0-haiku", "claude-3-haiku-20240307")],
)
def test_elevenlabs_names_of_claude_models_are_sent_as_anthropics(asked: str, sent: str) -> None:
    assert a_planner().plan(a_call(model=asked), NO_POLICY).targets[0].model == sent
    assert _plan("https://api.anthropic.com/v1", model=asked).targets[0].model == sent
    assert _plan("https://proxy.example.com/v1", "anthropic", asked).targets[0].model == asked
