"""Alarms: whom they tell, where the runbook is, and what they do when their metric is missing."""

import re
from pathlib import Path
from typing import Any

import pytest

from testkit.alarms import evaluated, goes_off, resolved

type Template = dict[str, Any]

REPOSITORY = Path(__file__).resolve().parents[2]
NOTHING_HAPPENED: list[list[float]] = [[], [], [], [], []]
BY_AWS = {
    "GatewayThrottledAlarm": ("AWS/Lambda", "Throttles", {"FunctionName": "GatewayFunction"}),
    "AggregatorLateAlarm": ("AWS/Lambda", "IteratorAge", {"FunctionName": "CostAggregatorFunction"}),
    "AggregatorErrorsAlarm": ("AWS/Lambda", "Errors", {"FunctionName": "CostAggregatorFunction"}),
    "PoisonQueueAlarm": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "PoisonQueue.QueueName"}),
}


@pytest.fixture
def alarms(written: Template) -> dict[str, Template]:
    return of_type(written, "AWS::CloudWatch::Alarm")


def of_type(template: Template, kind: str) -> dict[str, Template]:
    return {name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == kind}


def target(value: Template | str) -> str:
    got = value["Fn::GetAtt"] if isinstance(value, dict) and "Fn::GetAtt" in value else resolved(value)
    return ".".join(got) if isinstance(got, list) else got


def test_each_alarm_tells_the_topic_when_it_goes_off_and_when_it_is_over(alarms: dict[str, Template]) -> None:
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}], name


def test_each_alarm_names_its_page_of_the_runbook(alarms: dict[str, Template]) -> None:
    pages = {name: re.findall(r"docs/runbook/[a-z-]+\.md", alarm["AlarmDescription"]) for name, alarm in alarms.items()}
    named = {page for found in pages.values() for page in found}
    assert {str(page.relative_to(REPOSITORY)) for page in (REPOSITORY / "docs/runbook").glob("*.md")} == named | {
        "docs/runbook/README.md"
    }
    for name, [page] in pages.items():
        text = (REPOSITORY / page).read_text(encoding="utf-8")
        assert f"`{resolved(alarms[name]['AlarmName'])}`" in text, f"{page} has the name by which the alarm is found"
        for part in ("## What it means", "## Look here first", "## What to do"):
            assert part in text, page


def test_the_runbook_lists_every_page() -> None:
    listed = re.findall(r"\]\(([a-z-]+\.md)\)", (REPOSITORY / "docs/runbook/README.md").read_text(encoding="utf-8"))
    pages = {page.name for page in (REPOSITORY / "docs/runbook").glob("*.md")} - {"README.md"}
    assert sorted(listed) == sorted(pages)


def test_no_two_alarms_have_one_name(alarms: dict[str, Template]) -> None:
    assert len({resolved(alarm["AlarmName"]) for alarm in alarms.values()}) == len(alarms) == 12


def test_only_a_missing_sweep_is_told_when_nothing_happens(alarms: dict[str, Template]) -> None:
    silent = {
        name: goes_off(alarm, NOTHING_HAPPENED, threshold=1) for name, alarm in alarms.items() if "Metrics" not in alarm
    }
    assert [name for name, is_off in silent.items() if is_off] == ["SweepMissingAlarm"]
    assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in alarms.values() if "Metrics" in alarm)


@pytest.mark.parametrize("name", BY_AWS)
def test_a_metric_of_aws_is_read_of_the_right_part(alarms: dict[str, Template], name: str) -> None:
    alarm = alarms[name]
    dimensions = {each["Name"]: target(each["Value"]) for each in alarm["Dimensions"]}
    assert (alarm["Namespace"], alarm["MetricName"], dimensions) == BY_AWS[name]


@pytest.mark.parametrize(
    ("name", "values", "is_off"),
    [
        ("GatewayThrottledAlarm", [[0], [0], [1, 0]], True),
        ("GatewayThrottledAlarm", [[1], [1], [0]], False),
        ("AggregatorLateAlarm", [[300_001]] * 5, True),
        ("AggregatorLateAlarm", [[300_001]] * 4 + [[2_000]], False),
        ("AggregatorErrorsAlarm", [[1], [0], [1]], True),
        ("AggregatorErrorsAlarm", [[0], [0], [7]], False),
        ("PoisonQueueAlarm", [[0, 1]], True),
        ("PoisonQueueAlarm", [[0, 0]], False),
    ],
)
def test_a_metric_of_aws_goes_off_at_its_threshold(
    alarms: dict[str, Template], name: str, values: list[list[float]], is_off: bool
) -> None:
    assert goes_off(alarms[name], values) is is_off


@pytest.mark.parametrize(
    ("errors", "calls", "is_off"), [(5, 99, True), (5, 100, False), (4, 4, False), (0, 0, False), (60, 1000, True)]
)
def test_a_share_of_failed_answers_goes_off_but_not_a_single_one(
    alarms: dict[str, Template], errors: int, calls: int, is_off: bool
) -> None:
    alarm = alarms["ApiErrorsAlarm"]
    # Python divides at once what CloudWatch leaves out.
    share = evaluated(alarm, {"errors": errors, "calls": max(calls, 1)})
    assert (share > alarm["Threshold"]) is is_off
    stage = {
        each["Name"]: resolved(each["Value"]) for each in alarm["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"]
    }
    assert stage == {"ApiName": "AWS::StackName", "Stage": "prod"}


@pytest.mark.parametrize(("claimed", "quota", "is_off"), [(9, "10", True), (8, "10", False), (801, "1000", True)])
def test_concurrency_is_compared_with_the_accounts_quota(
    alarms: dict[str, Template], claimed: int, quota: str, is_off: bool
) -> None:
    alarm = alarms["ConcurrencyAlarm"]
    assert (evaluated(alarm, {"claimed": claimed}, {"ConcurrencyQuota": quota}) > alarm["Threshold"]) is is_off


def test_an_address_is_told_only_where_one_is_given(written: Template) -> None:
    [subscription] = [r for r in written["Resources"].values() if r["Type"] == "AWS::SNS::Subscription"]
    assert subscription["Condition"] == "HasAlarmEmail"
    assert subscription["Properties"]["Endpoint"] == {"Ref": "AlarmEmail"}
    pattern = written["Parameters"]["AlarmEmail"]["AllowedPattern"]
    assert re.fullmatch(pattern, "")
    assert re.fullmatch(pattern, "on-call@example.com")
    assert not re.fullmatch(pattern, "on-call")
