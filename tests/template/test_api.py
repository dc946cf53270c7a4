"""The API as CloudFormation receives it: streamed from the gateway, buffered from the console."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

type Template = dict[str, Any]
type Translate = Callable[[Template], Template]

GATEWAY_PATHS = {"/", "/{proxy+}"}
CONSOLE_PATHS = {"/api/{proxy+}", "/console", "/console/{proxy+}"}
OWN_ANSWERS = {"DEFAULT_4XX", "DEFAULT_5XX", "MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE"}


def api(template: Template) -> Template:
    properties: Template = template["Resources"]["Api"]["Properties"]
    return properties


def integrations(template: Template) -> dict[str, Template]:
    """The integration of each path."""
    paths = api(template)["Body"]["paths"]
    return {
        path: methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        for path, methods in paths.items()
    }


def cut_streams(template: Template) -> Iterator[str]:
    """Paths of the gateway whose answers would be buffered, or cut before the function's timeout."""
    limit_ms = template["Resources"]["GatewayFunction"]["Properties"]["Timeout"] * 1000
    for path in GATEWAY_PATHS:
        found = integrations(template)[path]
        is_streamed = found.get("responseTransferMode") == "STREAM"
        streams_to_function = "/response-streaming-invocations" in json.dumps(found["uri"])
        if not (is_streamed and streams_to_function and limit_ms <= found.get("timeoutInMillis", 0) <= 900_000):
            yield path


def echoing_answers(template: Template) -> Iterator[str]:
    """API Gateway's own answers that are not a fixed text in OpenAI's shape."""
    for name, answer in api(template)["Body"]["x-amazon-apigateway-gateway-responses"].items():
        text = answer["responseTemplates"]["application/json"]
        error = json.loads(text)["error"]
        if "$" in text or set(error) != {"message", "type", "param", "code"} or not error["message"]:
            yield name


def test_the_endpoint_is_regional_and_has_one_stage(translated: Template) -> None:
    resources = translated["Resources"].values()
    named = [r["Properties"]["StageName"] for r in resources if "StageName" in r["Properties"]]

    assert api(translated)["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert named == ["prod"]


def test_every_path_goes_to_its_function(translated: Template) -> None:
    targets = {path: json.dumps(found["uri"]) for path, found in integrations(translated).items()}

    assert {path for path, uri in targets.items() if "GatewayFunction" in uri} == GATEWAY_PATHS
    assert {path for path, uri in targets.items() if "ConsoleFunction" in uri} == CONSOLE_PATHS
    assert set(targets) == GATEWAY_PATHS | CONSOLE_PATHS


def test_the_gateways_answers_are_streamed_to_their_end(translated: Template) -> None:
    assert list(cut_streams(translated)) == []


def test_the_consoles_answers_are_buffered(translated: Template) -> None:
    assert not [path for path in CONSOLE_PATHS if "responseTransferMode" in integrations(translated)[path]]


@pytest.mark.parametrize("missing", ["ResponseTransferMode", "TimeoutInMillis"])
def test_a_missing_streaming_property_is_detected(written: Template, translate: Translate, missing: str) -> None:
    del written["Resources"]["GatewayFunction"]["Properties"]["Events"]["Everything"]["Properties"][missing]

    assert list(cut_streams(translate(written))) == ["/{proxy+}"]


def test_api_gateways_own_answers_are_in_openais_shape_and_repeat_nothing(translated: Template) -> None:
    answers = api(translated)["Body"]["x-amazon-apigateway-gateway-responses"]

    assert set(answers) >= OWN_ANSWERS
    assert list(echoing_answers(translated)) == []


def test_an_error_text_with_request_data_is_detected(written: Template, translate: Translate) -> None:
    answers = written["Resources"]["Api"]["Properties"]["GatewayResponses"]
    answers["DEFAULT_4XX"]["ResponseTemplates"]["application/json"] = json.dumps(
        {"error": {"message": "$context.error.message", "type": "t", "param": None, "code": "c"}}
    )

    assert list(echoing_answers(translate(written))) == ["DEFAULT_4XX"]


def test_a_web_acl_belongs_to_the_stage_if_there_is_one(written: Template, translated: Template) -> None:
    association = translated["Resources"]["WebAclAssociation"]

    assert association["Condition"] == "HasWebAcl"
    assert translated["Conditions"]["HasWebAcl"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebAclArn"}, ""]}]}
    assert written["Parameters"]["WebAclArn"]["Default"] == ""
    (stage,) = (n for n, r in translated["Resources"].items() if r["Type"] == "AWS::ApiGateway::Stage")
    resource = association["Properties"]["ResourceArn"]["Fn::Sub"]
    assert resource.endswith(f"::/restapis/${{Api}}/stages/${{{stage}}}"), "and waits for it"
