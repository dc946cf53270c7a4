"""CloudWatch's metrics and alarms, evaluated on log lines and on given values."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import gt, lt
from typing import Any

type Properties = Mapping[str, Any]

STACK = "switchboard"
_CONDITION = re.compile(r'\$\.(\w+) (=|>) (?:"([^"]*)"|([0-9.]+))')
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {"GreaterThanThreshold": gt, "LessThanThreshold": lt}


def resolved(value: object) -> str:
    """The text of a template's value, for the stack STACK."""
    if isinstance(value, Mapping):
        return str(value["Fn::Sub"] if "Fn::Sub" in value else value["Ref"]).replace("${AWS::StackName}", STACK)
    return str(value)


def filtered(metric_filter: Properties, lines: Iterable[str]) -> Iterator[float]:
    """The values that the filter makes of the lines: one for each that its pattern matches."""
    [transformation] = metric_filter["MetricTransformations"]
    value = str(transformation["MetricValue"])
    for event in _events(lines):
        if _matches(metric_filter["FilterPattern"], event):
            yield float(event[value.removeprefix("$.")] if value.startswith("$.") else value)


def emitted(alarm: Properties, lines: Iterable[str]) -> Iterator[float]:
    """The values in lines of the embedded format of the metric that the alarm reads."""
    dimensions = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
    for event in _events(lines):
        for directive in event.get("_aws", {}).get("CloudWatchMetrics", []):
            is_meant = directive["Namespace"] == alarm["Namespace"]
            names = {metric["Name"] for metric in directive["Metrics"]}
            told = [{name: event[name] for name in each} for each in directive["Dimensions"]]
            if is_meant and alarm["MetricName"] in names and dimensions in told:
                yield from event[alarm["MetricName"]]


def goes_off(alarm: Properties, periods: Sequence[Sequence[float]], threshold: float | None = None) -> bool:
    """Whether the alarm goes off after these periods, the latest last, each with its values. None: it is missing."""
    count = int(alarm["EvaluationPeriods"])
    assert len(periods) >= count, "the alarm looks at more periods"
    limit = float(alarm["Threshold"]) if threshold is None else threshold
    points = [_statistic(alarm, values) if values else None for values in periods[-count:]]
    breaches: list[bool] = [
        alarm["TreatMissingData"] == "breaching"
        if point is None
        else _COMPARED[alarm["ComparisonOperator"]](point, limit)
        for point in points
    ]
    return sum(breaches) >= int(alarm.get("DatapointsToAlarm", count))


def evaluated(alarm: Properties, values: Mapping[str, float], replaced: Mapping[str, str] | None = None) -> float:
    """The value of an alarm's expression over metrics, given by their ids."""
    [expression] = [resolved(each["Expression"]) for each in alarm["Metrics"] if "Expression" in each]
    for name, value in (replaced or {}).items():
        expression = expression.replace(f"${{{name}}}", value)
    names = {"IF": lambda condition, so, otherwise: so if condition else otherwise, **values}
    return float(eval(expression, {"__builtins__": {}}, names))


def _statistic(alarm: Properties, values: Sequence[float]) -> float:
    if "ExtendedStatistic" in alarm:
        share = float(alarm["ExtendedStatistic"].removeprefix("p")) / 100
        return sorted(values)[math.ceil(share * len(values)) - 1]
    return max(values) if alarm["Statistic"] == "Maximum" else sum(values)


def _matches(pattern: str, event: Mapping[str, Any]) -> bool:
    assert re.fullmatch(rf"\{{ {_CONDITION.pattern}( && {_CONDITION.pattern})* \}}", pattern), pattern
    return all(_holds(condition, event) for condition in _CONDITION.finditer(pattern))


def _holds(condition: re.Match[str], event: Mapping[str, Any]) -> bool:
    name, operator, text, number = condition.groups()
    value = event.get(name)
    if text is not None:
        return operator == "=" and value == text
    return isinstance(value, int | float) and (value > float(number) if operator == ">" else value == float(number))


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in lines if line.startswith("{"))
