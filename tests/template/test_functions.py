"""The functions: handlers, settings, and how a changed setting is deployed."""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from console.settings import Settings as ConsoleSettings
from cost_aggregator.settings import Settings as CostAggregatorSettings
from gateway.routing.plan import VOICE
from gateway.settings import Settings as GatewaySettings
from switchboard.domain.search_terms import DEFAULT_METADATA

type Template = dict[str, Any]
type Translate = Callable[..., Template]

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = {
    "GatewayFunction": GatewaySettings,
    "CostAggregatorFunction": CostAggregatorSettings,
    "ConsoleFunction": ConsoleSettings,
}
LAMBDAS_OWN = {"AWS_LAMBDA_EXEC_WRAPPER"}
LAST_WRITES_MS = 10_000
LONGEST_DESCRIPTION = 256
LAYER_VERSION = "${Layer}"
LATEST_LAYER_VERSION = "99999"


def function(template: Template, name: str) -> Template:
    properties: Template = template["Resources"][name]["Properties"]
    return properties


def unlike_settings(template: Template) -> Iterator[str]:
    """Environment names that no setting reads, and settings that the environment does not name."""
    for name, settings in SETTINGS.items():
        given = set(function(template, name)["Environment"]["Variables"]) - LAMBDAS_OWN
        yield from given ^ {field.name.upper() for field in fields(settings)}


def parameters_of(template: Template) -> set[str]:
    """The parameters that decide how the gateway's function is configured, directly or through a condition."""
    written = json.dumps(function(template, "GatewayFunction"))
    names = set(re.findall(r'"Ref": "(\w+)"', written))
    for condition in re.findall(r'"Fn::If": \["(\w+)"', written):
        names |= set(re.findall(r'"Ref": "(\w+)"', json.dumps(template["Conditions"][condition])))
    return names & set(template["Parameters"])


def version(template: Template) -> Template:
    found: Template = next(r for r in template["Resources"].values() if r["Type"] == "AWS::Lambda::Version")
    return found


def descriptions(written: Template, translated: Template) -> tuple[str, str]:
    """What the gateway's version says, and what the layer says whose version number is in it."""
    text, named = version(translated)["Properties"]["Description"]["Fn::Sub"]
    part, arn = named["Layer"]["Fn::Select"]
    layer = translated["Resources"][arn["Fn::Split"][1]["Ref"]]
    assert (part, arn["Fn::Split"][0]) == (7, ":"), "arn:aws:lambda:<region>:<account>:layer:<name>:<version>"
    assert layer["Type"] == "AWS::Lambda::LayerVersion"
    assert LAYER_VERSION in text
    # SAM puts the parameters' values into a layer itself.
    return text, written["Resources"]["SwitchboardLayer"]["Properties"]["Description"]["Fn::Sub"]


@pytest.mark.parametrize("name", SETTINGS)
def test_the_handler_is_where_the_template_says(written: Template, name: str) -> None:
    properties = function(written, name)
    module, _, attribute = properties["Handler"].rpartition(".")
    source = REPOSITORY / properties["CodeUri"] / f"{module.replace('.', '/')}.py"

    assert re.search(rf"^(def )?{attribute}\b.*[=:]", source.read_text(), re.MULTILINE)
    assert (REPOSITORY / properties["CodeUri"] / "requirements.txt").exists()


def test_environment_names_are_the_settings_fields(translated: Template) -> None:
    assert list(unlike_settings(translated)) == []


@pytest.mark.parametrize(
    ("name", "setting", "stray"),
    [
        ("GatewayFunction", "CAPTURE", "CAPTUER"),
        ("CostAggregatorFunction", "POISON_QUEUE_URL", "POISON_QUEUE"),
    ],
)
def test_a_missing_setting_and_an_unknown_variable_are_detected(
    translated: Template, name: str, setting: str, stray: str
) -> None:
    variables = function(translated, name)["Environment"]["Variables"]
    variables[stray] = variables.pop(setting)

    assert set(unlike_settings(translated)) == {setting, stray}


def test_the_templates_values_are_valid_settings(written: Template) -> None:
    defaults = {name: str(parameter["Default"]) for name, parameter in written["Parameters"].items()}
    given = function(written, "GatewayFunction")["Environment"]["Variables"].items()
    environment = {
        name: value if isinstance(value, str) else defaults.get(value.get("Ref"), "x") for name, value in given
    }

    settings = GatewaySettings.from_env(environment)

    assert settings.default_policy.over(VOICE) == VOICE, "the template shows what the code does by itself"
    default = GatewaySettings(table_name="x", provider_keys_path="x", default_policy=settings.default_policy)
    assert settings == default
    assert settings.call_timeout_ms + LAST_WRITES_MS <= function(written, "GatewayFunction")["Timeout"] * 1000


@pytest.mark.parametrize("settings", [CostAggregatorSettings, ConsoleSettings])
def test_the_same_metadata_is_searched_as_is_indexed(written: Template, settings: type[Any]) -> None:
    default = written["Parameters"]["SearchMetadata"]["Default"]

    assert settings.from_env({"TABLE_NAME": "x", "SEARCH_METADATA": default}) == settings(table_name="x")
    assert settings(table_name="x").search_metadata == DEFAULT_METADATA
    for name in ("CostAggregatorFunction", "ConsoleFunction"):
        assert function(written, name)["Environment"]["Variables"]["SEARCH_METADATA"] == {"Ref": "SearchMetadata"}


def not_pinned(template: Template) -> list[str]:
    """The functions that start by a layer's wrapper, and whose runtime AWS may replace between two deployments."""
    return [
        name
        for name in SETTINGS
        if "AWS_LAMBDA_EXEC_WRAPPER" in function(template, name)["Environment"]["Variables"]
        and function(template, name).get("RuntimeManagementConfig") != {"UpdateRuntimeOn": "FunctionUpdate"}
    ]


def test_a_version_behind_the_wrapper_keeps_the_runtime_that_it_was_deployed_with(translated: Template) -> None:
    assert not_pinned(translated) == []
    function(translated, "GatewayFunction")["RuntimeManagementConfig"] = {"UpdateRuntimeOn": "Auto"}
    assert not_pinned(translated) == ["GatewayFunction"]


def test_the_gateway_runs_behind_the_streaming_layers_wrapper(written: Template) -> None:
    gateway, layer = function(written, "GatewayFunction"), written["Resources"]["ResponseStreamingLayer"]
    wrapper = REPOSITORY / layer["Properties"]["ContentUri"] / "wrapper"

    # A layer that SAM builds by a Python method lies under /opt/python.
    assert layer["Metadata"]["BuildMethod"] == "python3.13"
    assert gateway["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"] == f"/opt/python/{wrapper.name}"
    assert os.access(wrapper, os.X_OK)
    assert {"Ref": "ResponseStreamingLayer"} in gateway["Layers"]
    assert "AWS_LAMBDA_EXEC_WRAPPER" not in function(written, "ConsoleFunction")["Environment"]["Variables"]


@pytest.mark.parametrize("name", SETTINGS)
def test_functions_share_one_layer_and_one_runtime(translated: Template, name: str) -> None:
    properties = function(translated, name)

    assert properties["Layers"][0]["Ref"].startswith("SwitchboardLayer")
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == [{"Ref": "Architecture"}]


def test_the_api_calls_a_published_version_and_old_versions_are_deleted(translated: Template) -> None:
    assert version(translated)["DeletionPolicy"] == "Delete"
    assert function(translated, "GatewayFunction")["SnapStart"]["ApplyOn"]["Fn::If"][1:] == [
        "PublishedVersions",
        "None",
    ]
    root = translated["Resources"]["Api"]["Properties"]["Body"]["paths"]["/"]
    assert "${GatewayFunctionAliaslive}" in json.dumps(root)


def test_a_changed_parameter_publishes_a_version(written: Template, translated: Template) -> None:
    described = set(re.findall(r"\$\{(\w+)\}", " ".join(descriptions(written, translated))))

    assert described - {"Layer"} == parameters_of(translated) - {"DynamoDbEndpoint"}


def test_another_setting_in_the_layers_description_makes_another_layer(written: Template, translate: Translate) -> None:
    layers = [
        [name for name in translate(written, {"Redact": names})["Resources"] if name.startswith("SwitchboardLayer")]
        for names in ("none", "cards", "cards")
    ]
    assert layers[0] != layers[1] == layers[2]


def test_a_versions_description_is_never_too_long(written: Template, translated: Template) -> None:
    for description in descriptions(written, translated):
        text = description.replace(LAYER_VERSION, LATEST_LAYER_VERSION)
        longest = re.sub(r"\$\{(\w+)\}", lambda name: "x" * longest_value(written["Parameters"][name[1]]), text)
        assert len(longest) <= LONGEST_DESCRIPTION


def longest_value(parameter: Template) -> int:
    """How many characters a value of the parameter can have."""
    if "AllowedValues" in parameter:
        return max(len(str(value)) for value in parameter["AllowedValues"])
    return int(parameter["MaxLength"]) if parameter["Type"] == "String" else len(str(parameter["MaxValue"]))
