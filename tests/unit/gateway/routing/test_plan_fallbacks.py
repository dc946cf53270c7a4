"""The fallbacks of a plan, and which key is sent to which target."""

from dataclasses import replace

import pytest

from gateway.domain.call import Call, Caller, Target
from gateway.domain.errors import NoTargetAllowed, ProviderUnknown
from gateway.domain.secret import Secret
from gateway.routing.plan import VOICE, Plan, Planner
from gateway.routing.targets import FALLBACK_HEADER
from switchboard.domain.policy import FallbackTarget, HedgeAfter, Policy, ProjectPolicies
from testkit.planning import a_call, a_planner

OWN, GROQ_KEY, OPENAI_KEY = Secret("sk-callers-own"), Secret("gsk-callers"), Secret("sk-openai-callers")
GROQ = FallbackTarget("groq", "llama-3.3-70b-versatile")
MINI = FallbackTarget("openai", "gpt-4o-mini")
HAIKU = FallbackTarget("anthropic", "claude-haiku-4-5")
AZURE = FallbackTarget("azure", "gpt-4o")
AZURE_URL = "https://acme.openai.azure.com/openai/v1"


def _planner(base_urls: dict[str, str] | None = None, keyless: str = "", default: Policy = VOICE) -> Planner:
    return a_planner(private="llm.internal:8000", base_urls=base_urls, keyless=keyless, default=default)


def _plan(call: Call, policy: Policy | None = None, planner: Planner | None = None) -> Plan:
    return (planner or _planner()).plan(call, (policy or Policy()).over(VOICE))


def _names(plan: Plan) -> list[str]:
    return [f"{target.provider}/{target.model}" for target in plan.targets]


def test_the_headers_fallbacks_follow_the_first_target_in_order() -> None:
    plan = _plan(a_call(fallback=(GROQ, MINI)))
    assert _names(plan) == ["openai/gpt-4o", "groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini"]
    assert plan.targets[1].url == "https://api.groq.com/openai/v1/chat/completions"
    assert (plan.targets[1].dialect, plan.targets[1].host) == ("groq", "api.groq.com")


def test_a_policys_fallbacks_apply_without_the_header() -> None:
    assert _names(_plan(a_call(), Policy(fallback=(GROQ,)))) == ["openai/gpt-4o", "groq/llama-3.3-70b-versatile"]
    assert _names(_plan(a_call(fallback=(MINI,)), Policy(fallback=(GROQ,)))) == ["openai/gpt-4o", "openai/gpt-4o-mini"]
    assert _names(_plan(a_call(fallback=()), Policy(fallback=(GROQ,)))) == ["openai/gpt-4o"]


def _stored(uses: list[Target]) -> list[tuple[Secret | None, bool]]:
    return [(target.key, target.uses_stored_key) for target in uses]


def test_the_callers_key_is_sent_to_a_fallback_at_the_same_provider_only() -> None:
    by_model = _plan(a_call(key=OWN, fallback=(MINI, GROQ)))
    assert _stored([*by_model.targets]) == [(OWN, False), (OWN, False), (None, True)]
    by_url = _plan(a_call(url="https://api.openai.com/v1", key=OWN, fallback=(MINI, GROQ)))
    assert _stored([*by_url.targets]) == [(OWN, False), (OWN, False), (None, True)]


@pytest.mark.parametrize("url", ["https://evil.test/v1", "http://llm.internal:8000/v1", "https://api.groq.com/openai"])
def test_the_key_for_a_foreign_url_is_not_sent_to_the_provider_it_claims_to_be(url: str) -> None:
    plan = _plan(a_call(url=url, provider="openai", key=OWN, fallback=(MINI,)))
    assert _stored([*plan.targets]) == [(OWN, False), (None, True)]


def test_a_key_in_a_providers_own_header_is_sent_to_all_its_targets() -> None:
    keys = {"groq": GROQ_KEY, "openai": OPENAI_KEY}
    plan = _plan(a_call(keys=keys, fallback=(GROQ, MINI)))
    assert _stored([*plan.targets]) == [(OPENAI_KEY, False), (GROQ_KEY, False), (OPENAI_KEY, False)]


def test_the_call_key_wins_at_the_first_target_and_the_providers_key_at_fallbacks() -> None:
    plan = _plan(a_call(key=OWN, keys={"openai": OPENAI_KEY}, fallback=(MINI,)))
    assert _stored([*plan.targets]) == [(OWN, False), (OPENAI_KEY, False)]


def test_a_providers_key_is_sent_to_a_url_only_at_the_providers_own_host() -> None:
    keys = {"openai": OPENAI_KEY}
    assert _plan(a_call(keys=keys, url="https://api.openai.com/v1")).targets[0].key == OPENAI_KEY
    for provider in (None, "openai"):
        assert _plan(a_call(keys=keys, url="https://evil.test/v1", provider=provider)).targets[0].key is None


def test_a_fallback_uses_the_stored_key_at_the_operators_own_address_too() -> None:
    planner = _planner({"azure": AZURE_URL})
    fallback = _plan(a_call(fallback=(AZURE,)), planner=planner).targets[1]
    assert (fallback.host, fallback.uses_stored_key) == ("acme.openai.azure.com", True)


def test_a_keyless_fallback_gets_no_key() -> None:
    planner = _planner({"demo": "http://127.0.0.1:8002/v1"}, keyless="demo")
    fallback = _plan(a_call(key=OWN, fallback=(FallbackTarget("demo", "echo"),)), planner=planner).targets[1]
    assert (fallback.key, fallback.uses_stored_key) == (None, False)


def test_a_header_that_names_a_target_without_an_address_is_refused_by_name() -> None:
    with pytest.raises(ProviderUnknown, match=r"azure/gpt-4o has no address") as refused:
        _plan(a_call(fallback=(GROQ, AZURE)))
    assert refused.value.param == FALLBACK_HEADER


def test_a_policys_target_without_an_address_is_left_out_and_noted() -> None:
    plan = _plan(a_call(), Policy(fallback=(AZURE, GROQ)))
    assert _names(plan) == ["openai/gpt-4o", "groq/llama-3.3-70b-versatile"]
    assert any("azure/gpt-4o has no address" in note for note in plan.notes)


def test_a_target_listed_twice_is_planned_twice() -> None:
    plan = _plan(a_call(fallback=(FallbackTarget("openai", "gpt-4o"), GROQ)))
    assert _names(plan) == ["openai/gpt-4o", "openai/gpt-4o", "groq/llama-3.3-70b-versatile"]


def test_more_targets_than_attempts_are_kept_and_noted() -> None:
    plan = _plan(a_call(fallback=(GROQ, MINI, GROQ, MINI)), Policy(max_attempts=2))
    assert _names(plan)[:3] == ["openai/gpt-4o", "groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini"]
    assert len(plan.targets) == 5
    assert plan.notes == ("5 targets for 2 attempts at most",)
    assert plan.max_attempts == 2


def test_a_policys_provider_applies_to_calls_that_name_none() -> None:
    native = _plan(a_call("claude-sonnet-4-5"), Policy(provider="anthropic")).targets[0]
    assert native.url == "https://api.anthropic.com/v1/messages"
    assert _names(_plan(a_call("house-blend"), Policy(provider="groq"))) == ["groq/house-blend"]
    assert _names(_plan(a_call(provider="together"), Policy(provider="groq"))) == ["together/gpt-4o"]


@pytest.mark.parametrize(
    ("provider", "model", "target"),
    [
        ("openai", "openai/gpt-4o", "openai/gpt-4o"),
        ("openai", "groq/llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"),
        ("groq", "groq/llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"),
        ("groq", "openai/gpt-oss-120b", "groq/openai/gpt-oss-120b"),
        ("openrouter", "openai/gpt-4o", "openrouter/openai/gpt-4o"),
        ("openrouter", "openrouter/openai/gpt-4o", "openrouter/openai/gpt-4o"),
    ],
)
def test_a_model_that_names_its_provider_wins_over_the_policys_provider(provider: str, model: str, target: str) -> None:
    assert _names(_plan(a_call(model), Policy(provider=provider))) == [target]


def test_a_policys_provider_applies_to_a_url_only_at_its_own_host() -> None:
    policy = Policy(provider="anthropic")
    at_home = _plan(a_call("claude-sonnet-4-5", url="https://api.anthropic.com/v1"), policy).targets[0]
    assert at_home.url == "https://api.anthropic.com/v1/messages"
    elsewhere = _plan(a_call("llama", url="https://api.groq.com/openai/v1"), policy).targets[0]
    assert (elsewhere.provider, elsewhere.url) == ("groq", "https://api.groq.com/openai/v1/chat/completions")
    unknown = _plan(a_call("house-blend", url="https://llm.example.test/v1"), policy).targets[0]
    assert (unknown.provider, unknown.dialect) == ("generic", "generic")


def test_the_callers_key_is_sent_to_the_policys_provider() -> None:
    plan = _plan(a_call(key=OWN, fallback=(GROQ, MINI)), Policy(provider="groq"))
    assert _stored([*plan.targets]) == [(OWN, False), (OWN, False), (None, True)]


FIELDS = {
    "fallback": ((GROQ,), (MINI,), (AZURE,)),
    "max_attempts": (5, 6, 7),
    "ttft_timeout_ms": (501, 502, 503),
    "plan_timeout_ms": (5001, 5002, 5003),
    "hedge_after": (HedgeAfter(ms=71), HedgeAfter(ms=72), HedgeAfter()),
    "provider": ("groq", "openai", "together"),
    "zero_retention": (False, True, False),
}


@pytest.mark.parametrize(("field", "values"), FIELDS.items(), ids=FIELDS.keys())
def test_the_narrowest_policy_that_sets_a_field_decides(field: str, values: tuple[object, object, object]) -> None:
    task, project, stack = (Policy(**{field: value}) for value in values)  # type: ignore[arg-type]
    planner = _planner(default=stack.over(VOICE))

    def held(policies: ProjectPolicies, task_id: str = "booking") -> object:
        return getattr(planner.policy(Caller("acme", "key_0", policies), task_id), field)

    assert held(ProjectPolicies(project, {"booking": task})) == values[0]
    assert held(ProjectPolicies(project, {"booking": task}), "another") == values[1]
    assert held(ProjectPolicies(project, {"booking": Policy()})) == values[1]
    assert held(ProjectPolicies(Policy(), {})) == values[2]
    assert getattr(_planner().policy(Caller("acme", "key_0"), "any"), field) == getattr(VOICE, field)


def test_the_calls_headers_win_over_every_policy() -> None:
    policy = Policy(fallback=(GROQ,), ttft_timeout_ms=500, hedge_after=HedgeAfter(ms=70), provider="groq")
    call = a_call(fallback=(MINI,), ttft_timeout_ms=900, hedge_after=HedgeAfter(), provider="openai")
    plan = _plan(call, policy)
    assert _names(plan) == ["openai/gpt-4o", "openai/gpt-4o-mini"]
    assert [target.soft_timeout_ms for target in plan.targets] == [900, 900]
    assert plan.hedge_after == HedgeAfter()


ALLOWED = [
    (("openai",), ["openai/gpt-4o", "openai/gpt-4o-mini"]),
    (("openai/gpt-4o",), ["openai/gpt-4o"]),
    (("groq", "openai/gpt-4o-mini"), ["groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini"]),
]


def _zero_retention(call: Call) -> Call:
    return replace(call, labels=call.labels.under_zero_retention())


@pytest.mark.parametrize(("allowed", "left"), ALLOWED)
def test_under_zero_retention_only_allowed_targets_remain(allowed: tuple[str, ...], left: list[str]) -> None:
    policy = Policy(fallback=(GROQ, MINI), allowed_targets=allowed)
    plan = _plan(_zero_retention(a_call()), policy)
    assert _names(plan) == left
    assert len([note for note in plan.notes if "not allowed under zero retention" in note]) == 3 - len(left)
    assert len(_plan(a_call(), policy).targets) == 3


def test_the_attempts_are_counted_among_the_allowed_targets() -> None:
    policy = Policy(fallback=(GROQ, MINI), allowed_targets=("openai/gpt-4o-mini",), max_attempts=1)
    assert _names(_plan(_zero_retention(a_call()), policy)) == ["openai/gpt-4o-mini"]


@pytest.mark.parametrize("allowed", [(), ("groq",), ("openai/gpt-4",), ("anthropic", "openai/gpt-4o-mini")])
def test_a_call_without_an_allowed_target_is_refused(allowed: tuple[str, ...]) -> None:
    with pytest.raises(NoTargetAllowed, match=", ".join(allowed) or "none"):
        _plan(_zero_retention(a_call()), Policy(allowed_targets=allowed))


@pytest.mark.parametrize(
    ("url", "provider", "is_allowed"),
    [
        ("https://api.openai.com/v1", None, True),
        ("https://api.openai.com/v1", "openai", True),
        ("https://api.openai.com/v1", "groq", False),
        ("https://evil.test/v1", None, False),
        ("https://evil.test/v1", "openai", False),
        ("https://api.groq.com/openai/v1", "openai", False),
        ("http://llm.internal:8000/v1", "openai", False),
    ],
)
def test_a_callers_url_counts_as_its_hosts_provider(url: str, provider: str | None, is_allowed: bool) -> None:
    call = _zero_retention(a_call(url=url, provider=provider, key=OWN))
    policy = Policy(allowed_targets=("openai",))
    if is_allowed:
        assert len(_plan(call, policy).targets) == 1
    else:
        with pytest.raises(NoTargetAllowed):
            _plan(call, policy)


@pytest.mark.parametrize("url", [None, "https://api.anthropic.com/v1"])
@pytest.mark.parametrize("provider", [None, "anthropic"])
def test_both_dialects_of_a_provider_count_as_its_own_host(url: str | None, provider: str | None) -> None:
    call = a_call("claude-sonnet-4-5", url=url, provider=provider, key=OWN, fallback=(HAIKU,))
    plan = _plan(_zero_retention(call), Policy(allowed_targets=("anthropic",)))
    assert _names(plan) == ["anthropic/claude-sonnet-4-5", "anthropic/claude-haiku-4-5"]
    assert _stored([*plan.targets]) == [(OWN, False), (OWN, False)]


def test_a_host_shared_by_several_providers_is_nobodys_own() -> None:
    planner = _planner({name: f"https://proxy.test/v1/{name}" for name in ("openai", "groq")})
    policy = Policy(allowed_targets=("openai",))
    for path in ("groq", "", "openai/../groq"):
        call = _zero_retention(a_call(url=f"https://proxy.test/v1/{path}", provider="openai", key=OWN))
        with pytest.raises(NoTargetAllowed):
            _plan(call, policy, planner)
    own = _zero_retention(a_call(url="https://proxy.test/v1/openai/", provider="openai", key=OWN))
    assert _names(_plan(own, policy, planner)) == ["openai/gpt-4o"]


@pytest.mark.parametrize("allowed", ["demo", "demo/echo", "demo/demo/echo"])
def test_a_model_can_be_allowed_by_the_name_that_callers_use(allowed: str) -> None:
    planner = _planner({"demo": "http://127.0.0.1:8002/v1"}, keyless="demo")
    call = _zero_retention(a_call("demo/echo"))
    assert len(_plan(call, Policy(allowed_targets=(allowed,)), planner).targets) == 1


def test_the_deployments_address_of_a_provider_counts_as_its_own_host() -> None:
    planner = _planner({"openai": "http://llm.internal:8000/v1"})
    assert _plan(_zero_retention(a_call()), Policy(allowed_targets=("openai",)), planner).targets


@pytest.mark.parametrize(
    ("entry", "sent"),
    [
        (FallbackTarget("demo", "echo"), "demo/echo"),
        (FallbackTarget("groq", "meta-llama/llama-4-scout"), "meta-llama/llama-4-scout"),
        (FallbackTarget("together", "openai/gpt-oss-20b"), "openai/gpt-oss-20b"),
    ],
)
def test_a_fallback_is_resolved_like_the_model_of_a_call(entry: FallbackTarget, sent: str) -> None:
    planner = _planner({"demo": "http://127.0.0.1:8002/v1"}, keyless="demo")
    _, fallback = _plan(a_call(fallback=(entry,)), planner=planner).targets
    assert (fallback.provider, fallback.model) == (entry.provider, sent)


AZURE_URL = "https://acme.openai.azure.com/openai/v1"


@pytest.mark.parametrize(
    ("allowed", "is_allowed"),
    [
        (("azure",), False),
        (("azure/gpt-4o",), False),
        (("acme.openai.azure.com",), True),
        (("other.openai.azure.com",), False),
    ],
)
def test_an_azure_resource_is_allowed_by_its_host_alone(allowed: tuple[str, ...], is_allowed: bool) -> None:
    call = _zero_retention(a_call(url=AZURE_URL))
    if is_allowed:
        assert len(_plan(call, Policy(allowed_targets=allowed)).targets) == 1
    else:
        with pytest.raises(NoTargetAllowed):
            _plan(call, Policy(allowed_targets=allowed))


def test_the_deployments_own_azure_resource_is_allowed_by_the_providers_name() -> None:
    planner = a_planner(base_urls={"azure": AZURE_URL})
    call = _zero_retention(a_call(provider="azure"))
    assert _plan(call, Policy(allowed_targets=("azure",)), planner).targets
