"""The dashboard: it is valid JSON, and every metric on it is one that is written."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

type Template = dict[str, Any]

DOCS = Path(__file__).resolve().parents[2] / "docs"
BY_AWS = {"ConcurrentExecutions", "ClaimedAccountConcurrency", "Throttles", "IteratorAge"}


@pytest.fixture
def widgets(written: Template) -> list[Template]:
    text = written["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    numbers = re.sub(r"\$\{(FirstTokenAlarmMs|ConcurrencyQuota)\}", "1000", text)
    found: list[Template] = json.loads(numbers)["widgets"]
    return found


def metrics(widgets: list[Template]) -> Iterator[tuple[str, str, str | None]]:
    """Namespace, name and value of the last dimension of each metric."""
    for widget in widgets:
        for metric in widget["properties"].get("metrics", []):
            match metric:
                case [{"expression": str(search)}]:
                    yield "Switchboard", re.findall(r'MetricName="(\w+)"', search)[0], "gateway"
                case [str(namespace), str(name), str(), str(value), *_]:
                    yield namespace, name, value
                case [str(namespace), str(name), *_]:
                    yield namespace, name, None


def test_every_alarm_is_on_it(written: Template, widgets: list[Template]) -> None:
    [shown] = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    alarms = [name for name, each in written["Resources"].items() if each["Type"] == "AWS::CloudWatch::Alarm"]
    assert sorted(shown) == sorted(f"${{{name}.Arn}}" for name in alarms)


def test_every_metric_is_one_that_is_written(widgets: list[Template]) -> None:
    gateway = set(re.findall(r"^\| `(\w+)` \| \w+ \|", (DOCS / "logs.md").read_text(), re.MULTILINE))
    aggregator = (DOCS / "ledger.md").read_text().partition("`service` = `cost_aggregator`:")[2].partition("\n\n")[0]
    for namespace, name, value in metrics(widgets):
        if namespace == "Switchboard":
            assert name in (gateway if value == "gateway" else re.findall(r"`(\w+)`", aggregator)), name
        else:
            assert (namespace, name in BY_AWS) == ("AWS/Lambda", True), name


def test_what_it_names_of_the_template_exists(written: Template) -> None:
    text = written["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    named = {name.removesuffix(".Arn") for name in re.findall(r"\$\{([\w.:]+)\}", text)}
    assert named - {"AWS::Region"} <= set(written["Resources"]) | set(written["Parameters"])


def test_no_two_widgets_overlap(widgets: list[Template]) -> None:
    cells = [
        (column, row)
        for each in widgets
        for column in range(each["x"], each["x"] + each["width"])
        for row in range(each["y"], each["y"] + each["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24
