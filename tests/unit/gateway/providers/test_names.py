from gateway.providers import table
from switchboard.domain.provider_names import ALIASES, PROVIDER_NAMES, provider_named


def test_a_policy_may_name_the_providers_of_the_table_and_no_others() -> None:
    assert set(table.names()) == PROVIDER_NAMES | ALIASES.keys()


def test_a_name_means_the_same_provider_here_and_there() -> None:
    for name in (*table.names(), " OpenAI ", "GEMINI", "nobody", ""):
        found = table.by_name(name)
        assert provider_named(name) == (found and found.name)
