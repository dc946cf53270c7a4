"""template.yaml as it is written, and as CloudFormation gets it from SAM."""

import copy
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

type Template = dict[str, Any]
type Translate = Callable[[Template], Template]

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


def _translate(template: Template, parameters: Mapping[str, str] | None = None) -> Template:
    packaged = copy.deepcopy(template)
    for resource in packaged["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource["Properties"]:
                resource["Properties"][name] = f"s3://bucket/{resource['Properties'][name]}"
    session = boto3.Session(region_name="eu-central-1")
    translated: Template = Translator({}, Parser(), boto_session=session).translate(packaged, dict(parameters or {}))
    return translated


@cache
def _parsed() -> Template:
    template: Template = yaml_parse(TEMPLATE.read_text())
    return template


@cache
def _made() -> Template:
    return _translate(_parsed())


@pytest.fixture
def written() -> Template:
    """The template as it is written; a test may change its copy."""
    return copy.deepcopy(_parsed())


@pytest.fixture(scope="session")
def translate() -> Translate:
    """Translates a template with SAM."""
    return _translate


@pytest.fixture
def translated() -> Template:
    """The template as CloudFormation receives it; a test may change its copy."""
    return copy.deepcopy(_made())
