from typing import Any

import pytest

from gateway.domain.call import Target
from gateway.domain.errors import ProviderUnknown, ProviderUrlRefused
from gateway.domain.secret import Secret
from gateway.routing.plan import VOICE, Planner
from testkit.planning import a_call, a_planner

KEY = Secret("sk-callers-own")
CLOUDFLARE = "https://api.cloudflare.com/client/v4/accounts/0123abcd/ai/v1"
AZURE = "https://acme.openai.azure.com/openai/deployments/gpt-4o"


def _target(model: str = "gpt-4o", planner: Planner | None = None, **route: Any) -> Target:
    (target,) = (planner or a_planner()).plan(a_call(model, **route), VOICE).targets
    return target


@pytest.mark.parametrize(
    ("url", "sent_to"),
    [
        ("https://api.anthropic.com", "https://api.anthropic.com/v1/chat/completions"),
        ("https://api.anthropic.com/", "https://api.anthropic.com/v1/chat/completions"),
        ("https://api.anthropic.com//", "https://api.anthropic.com/v1/chat/completions"),
        ("https://api.anthropic.com/v1", "https://api.anthropic.com/v1/chat/completions"),
        ("https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/chat/completions"),
        ("https://api.anthropic.com//v1//", "https://api.anthropic.com/v1/chat/completions"),
        ("https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1/chat/completions"),
        ("https://api.groq.com/openai/v1/", "https://api.groq.com/openai/v1/chat/completions"),
        ("https://api.together.xyz/v1", "https://api.together.xyz/v1/chat/completions"),
        (f"{CLOUDFLARE}/", f"{CLOUDFLARE}/chat/completions"),
        (CLOUDFLARE, f"{CLOUDFLARE}/chat/completions"),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai/",
            "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        ),
        ("https://api.groq.com/openai", "https://api.groq.com/openai/v1/chat/completions"),
        ("https://api.groq.com/openai/", "https://api.groq.com/openai/v1/chat/completions"),
        ("https://api.fireworks.ai/inference", "https://api.fireworks.ai/inference/v1/chat/completions"),
        ("https://api.fireworks.ai/inference/", "https://api.fireworks.ai/inference/v1/chat/completions"),
        ("https://llm.example.test/chat/completions", "https://llm.example.test/chat/completions"),
        ("https://llm.example.test/v1/chat/completions/", "https://llm.example.test/v1/chat/completions"),
        ("https://llm.example.test:8443/v1", "https://llm.example.test:8443/v1/chat/completions"),
        (f"{AZURE}?api-version=2024-10-21", f"{AZURE}/chat/completions?api-version=2024-10-21"),
        ("https://llm.example.test/vision", "https://llm.example.test/vision/v1/chat/completions"),
        ("https://llm.example.test/V1x", "https://llm.example.test/V1x/v1/chat/completions"),
    ],
)
def test_a_call_is_sent_to_the_completions_path_of_the_url(url: str, sent_to: str) -> None:
    assert _target(url=url, key=KEY).url == sent_to


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com", "openai"),
        ("https://api.anthropic.com", "anthropic"),
        ("https://API.Anthropic.com/v1", "anthropic"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "google"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://api.together.xyz/v1", "together"),
        ("https://api.together.ai/v1", "together"),
        (CLOUDFLARE, "cloudflare"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://api.x.ai/v1", "xai"),
        ("https://api.cerebras.ai/v1", "cerebras"),
        ("https://api.fireworks.ai/inference/v1", "fireworks"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        (AZURE, "azure"),
        ("https://bedrock-runtime.eu-central-1.amazonaws.com/openai/v1", "bedrock"),
    ],
)
def test_a_known_host_names_the_provider_whatever_the_model(url: str, provider: str) -> None:
    assert _target("claude-sonnet-4-5", url=url, key=KEY).provider == provider


@pytest.mark.parametrize(
    "host", ["api.openai.com.evil.test", "evil-api.openai.com", "openai.azure.com", "bedrock-runtime.evil.test"]
)
def test_a_host_that_resembles_a_known_one_is_generic(host: str) -> None:
    assert _target("some-model", url=f"https://{host}/v1", key=KEY).provider == "generic"


def test_the_provider_header_wins_over_the_host_of_the_url() -> None:
    target = _target(url="https://api.openai.com/v1", provider="groq", key=KEY)
    assert (target.provider, target.host) == ("groq", "api.openai.com")


def test_at_an_unknown_host_the_models_name_decides_the_pricing() -> None:
    claude = _target("claude-sonnet-4-5", url="https://proxy.example.test/v1")
    assert (claude.provider, claude.dialect) == ("anthropic", "generic")
    assert claude.url == "https://proxy.example.test/v1/chat/completions"
    assert _target("house-blend", url="https://proxy.example.test/v1").provider == "generic"


@pytest.mark.parametrize("model", ["gpt-4o", "groq/llama-3.3-70b-versatile", "@cf/meta/llama-3.1-8b-instruct"])
def test_at_a_url_the_models_name_is_sent_unchanged(model: str) -> None:
    assert _target(model, url="https://proxy.example.test/v1").model == model


@pytest.mark.parametrize(
    ("model", "provider", "url"),
    [
        ("gpt-4o", "openai", "https://api.openai.com/v1/chat/completions"),
        ("o3-mini", "openai", "https://api.openai.com/v1/chat/completions"),
        ("o4-mini", "openai", "https://api.openai.com/v1/chat/completions"),
        ("claude-sonnet-4-5", "anthropic", "https://api.anthropic.com/v1/messages"),
        (
            "gemini-2.5-flash",
            "google",
            "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        ),
        ("llama-3.3-70b-versatile", "groq", "https://api.groq.com/openai/v1/chat/completions"),
        ("deepseek-chat", "deepseek", "https://api.deepseek.com/v1/chat/completions"),
        ("deepseek-ai/DeepSeek-V3", "together", "https://api.together.xyz/v1/chat/completions"),
        ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "together", "https://api.together.xyz/v1/chat/completions"),
        ("mistral-large-latest", "mistral", "https://api.mistral.ai/v1/chat/completions"),
        ("grok-4", "xai", "https://api.x.ai/v1/chat/completions"),
        (
            "accounts/fireworks/models/qwen3-235b-a22b",
            "fireworks",
            "https://api.fireworks.ai/inference/v1/chat/completions",
        ),
    ],
)
def test_without_headers_the_models_name_selects_provider_and_stored_key(model: str, provider: str, url: str) -> None:
    target = _target(model)
    assert (target.provider, target.url, target.model) == (provider, url, model)
    assert (target.key, target.uses_stored_key) == (None, True)


@pytest.mark.parametrize(
    ("model", "provider", "sent"),
    [
        ("groq/llama-3.3-70b-versatile", "groq", "llama-3.3-70b-versatile"),
        ("Groq/llama-3.3-70b-versatile", "groq", "llama-3.3-70b-versatile"),
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("gemini/gemini-2.5-flash", "google", "gemini-2.5-flash"),
        ("together/mistralai/Mixtral-8x7B", "together", "mistralai/Mixtral-8x7B"),
        ("openrouter/anthropic/claude-sonnet-4.5", "openrouter", "anthropic/claude-sonnet-4.5"),
    ],
)
def test_a_provider_prefix_selects_the_provider_and_is_not_sent(model: str, provider: str, sent: str) -> None:
    target = _target(model)
    assert (target.provider, target.model) == (provider, sent)


@pytest.mark.parametrize("model", ["house-blend", "groq/", "/llama-3", "acme/llama-3", "", "GPT-4o"])
def test_an_unknown_model_is_refused_by_name(model: str) -> None:
    with pytest.raises(ProviderUnknown) as refused:
        a_planner().plan(a_call(model), VOICE)
    assert refused.value.param == "model"


def test_a_named_provider_is_used_whatever_the_model() -> None:
    target = _target("house-blend", provider="gemini")
    assert (target.provider, target.model) == ("google", "house-blend")
    assert target.host == "generativelanguage.googleapis.com"


@pytest.mark.parametrize("provider", ["cloudflare", "azure", "bedrock", "generic", "demo"])
def test_a_provider_without_an_address_needs_a_url(provider: str) -> None:
    with pytest.raises(ProviderUnknown, match="x-inference-provider-url"):
        a_planner().plan(a_call(provider=provider), VOICE)


def test_the_deployments_address_wins_over_the_providers() -> None:
    planner = a_planner(base_urls={"cloudflare": CLOUDFLARE, "openai": "https://eu.api.openai.com/v1"})
    cloudflare = _target("@cf/meta/llama-3.1-8b-instruct", planner)
    assert (cloudflare.url, cloudflare.uses_stored_key) == (f"{CLOUDFLARE}/chat/completions", True)
    assert _target("gpt-4o", planner).url == "https://eu.api.openai.com/v1/chat/completions"


def test_a_stored_key_is_never_sent_to_a_callers_url() -> None:
    for url in ("https://api.openai.com/v1", "https://evil.test/v1"):
        for provider in (None, "openai"):
            for key in (None, KEY):
                target = _target(url=url, provider=provider, key=key)
                assert (target.uses_stored_key, target.key) == (False, key)


def test_the_callers_key_wins_over_a_stored_one() -> None:
    target = _target(key=KEY)
    assert (target.uses_stored_key, target.key) == (False, KEY)


def test_a_keyless_provider_gets_no_key() -> None:
    planner = a_planner(base_urls={"demo": "http://127.0.0.1:8002/v1"}, keyless="demo")
    target = _target("demo/echo", planner)
    assert (target.provider, target.model, target.uses_stored_key) == ("demo", "demo/echo", False)


def test_a_refused_url_raises() -> None:
    with pytest.raises(ProviderUrlRefused):
        a_planner().plan(a_call(url="https://169.254.169.254/", provider="openai"), VOICE)


def test_a_private_host_is_called_if_the_operator_allows_it() -> None:
    target = _target(planner=a_planner(private="vllm.internal:8000"), url="http://vllm.internal:8000/v1")
    assert (target.url, target.host) == ("http://vllm.internal:8000/v1/chat/completions", "vllm.internal")
