"""What a provider itself charged, to the pico-dollar."""

from typing import Any

import pytest

from gateway.providers import table
from gateway.providers.chat_completions.usage_doubts import IMPOSSIBLE_BILL
from switchboard.domain.limits import MAX_BILL_PICO_USD

OPENROUTER = {
    "prompt_tokens": 4020,
    "completion_tokens": 5,
    "cost": 0.000151,
    "is_byok": False,
    "cost_details": {"upstream_inference_cost": 0.00014, "upstream_inference_prompt_cost": 8.1e-05},
}
XAI = {"prompt_tokens": 32, "completion_tokens": 9, "cost_in_usd_ticks": 37_756_000, "num_sources_used": 0}
COST = {"input_tokens_cost": 2.4e-05, "output_tokens_cost": 0.006585, "request_cost": 0.006, "total_cost": 0.012609}
PERPLEXITY = {"prompt_tokens": 8, "completion_tokens": 439, "search_context_size": "low", "cost": COST}
MOST_TICKS = MAX_BILL_PICO_USD // 100


@pytest.mark.parametrize(
    ("usage", "pico_usd"),
    [
        (OPENROUTER, 151_000_000),
        (OPENROUTER | {"is_byok": True}, 291_000_000),
        (OPENROUTER | {"is_byok": True, "cost_details": None}, 151_000_000),
        ({"cost": 0}, 0),
        (OPENROUTER | {"currency": "usd"}, 151_000_000),
        (OPENROUTER | {"currency": "CNY"}, None),
        ({"cost": 0.95}, 950_000_000_000),
        ({"cost": "0.95"}, None),
        ({"cost": -1}, None),
        ({"cost": True}, None),
        ({"cost": float("nan")}, None),
        ({"cost": float("inf")}, None),
        ({}, None),
        (None, None),
    ],
)
def test_openrouters_cost(usage: dict[str, Any] | None, pico_usd: int | None) -> None:
    assert table.by_dialect("openrouter").read_bill(usage) == pico_usd


@pytest.mark.parametrize(
    ("ticks", "pico_usd"),
    [
        (37_756_000, 3_775_600_000),
        (10**10, 10**12),
        (0, 0),
        (MOST_TICKS, MAX_BILL_PICO_USD),
        (MOST_TICKS + 1, None),
        (-1, None),
        (1.5, None),
        ("7", None),
        (True, None),
        (None, None),
    ],
)
def test_ten_billion_of_xais_ticks_are_a_dollar(ticks: object, pico_usd: int | None) -> None:
    assert table.by_dialect("xai").read_bill({"cost_in_usd_ticks": ticks}) == pico_usd
    assert table.by_dialect("xai").read_bill(None) is None


@pytest.mark.parametrize(
    ("cost", "pico_usd"),
    [
        (COST, 12_609_000_000),
        ({**COST, "currency": "USD"}, 12_609_000_000),
        ({**COST, "currency": "EUR"}, None),
        ({**COST, "currency": None}, 12_609_000_000),
        ({}, None),
        (0.5, None),
        (None, None),
        ("1", None),
    ],
)
def test_perplexitys_total(cost: object, pico_usd: int | None) -> None:
    assert table.by_dialect("generic").read_bill({"cost": cost}) == pico_usd


@pytest.mark.parametrize(("told", "billing"), [(OPENROUTER, {"openrouter"}), (XAI, {"xai"}), (PERPLEXITY, {"generic"})])
def test_only_its_own_provider_reads_a_bill(told: dict[str, Any], billing: set[str]) -> None:
    assert {row.dialect for row in table.PROVIDERS if row.read_bill(told) is not None} == billing


@pytest.mark.parametrize(
    ("dialect", "told", "doubts"),
    [
        ("xai", {"cost_in_usd_ticks": MOST_TICKS + 1}, [IMPOSSIBLE_BILL]),
        ("xai", {"cost_in_usd_ticks": "12"}, [IMPOSSIBLE_BILL]),
        ("xai", {"cost_in_usd_ticks": 12}, []),
        ("generic", {"cost": {"total_cost": -1}}, [IMPOSSIBLE_BILL]),
        ("generic", {"cost": {"total_cost": 0.5}}, []),
    ],
)
def test_a_bill_that_cannot_be_is_doubted(dialect: str, told: dict[str, Any], doubts: list[str]) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 1} | told
    assert list(table.by_dialect(dialect).doubts(usage)) == doubts
