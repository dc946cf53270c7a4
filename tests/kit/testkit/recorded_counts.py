"""How many recorded exchanges are compared, and how many differ by which rule: for `docs/conformance.md`.

`SWITCHBOARD_RECORDED=… python -m testkit.recorded_counts` counts them anew; the page reads what was counted, so that it
can be checked without the recordings.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from testkit.recorded import exchanges
from testkit.recorded_rules import RULES, expectation

COUNTS = Path(__file__).parents[2] / "recorded" / "counts.json"


def counted() -> dict[str, Any]:
    """The counts, from the recordings."""
    compared: Counter[str] = Counter()
    streamed: Counter[str] = Counter()
    differing: Counter[str] = Counter()
    by_rule: Counter[str] = Counter()
    for exchange in exchanges():
        _, names = expectation(exchange)
        by_rule.update(names)
        compared[exchange.provider] += 1
        streamed[exchange.provider] += exchange.streamed
        differing[exchange.provider] += bool(names)
    return {
        "providers": {
            name: {"exchanges": number, "streamed": streamed[name], "differing": differing[name]}
            for name, number in compared.most_common()
        },
        "rules": {rule.name: by_rule[rule.name] for rule in RULES},
    }


def section() -> list[str]:
    """The page's section, from the counts that are kept."""
    kept = json.loads(COUNTS.read_text())
    providers, rules = kept["providers"], kept["rules"]
    total = {name: sum(row[name] for row in providers.values()) for name in ("exchanges", "streamed", "differing")}
    return [
        "## Recorded exchanges",
        "",
        "Answers that real providers gave, from the test recordings of public projects, are served under each",
        "provider's row, one event at a time, in one piece and (a hundred of them) byte by byte. What OpenAI's Python",
        "SDK reads through the gateway must be what the provider said: text, tool calls, finish reason, refusal,",
        "usage, errors and every other field. An answer may differ only by the rules below. The recordings are no part",
        "of the project: a test counts them where `SWITCHBOARD_RECORDED` names their file.",
        "",
        "| provider | exchanges | of them streamed | differing by a rule |",
        "|---|---|---|---|",
        *(_row(name, row) for name, row in providers.items()),
        _row("**all**", total),
        "",
        "| rule | exchanges | what differs, and why |",
        "|---|---|---|",
        *(f"| {rule.name} | {rules[rule.name]:,} | {rule.reason} |" for rule in RULES),
    ]


def _row(name: str, row: dict[str, int]) -> str:
    return f"| {name} | {row['exchanges']:,} | {row['streamed']:,} | {row['differing']:,} |"


if __name__ == "__main__":
    COUNTS.write_text(json.dumps(counted(), indent=2) + "\n")
