"""Creates the table as template.yaml describes it, so that the local and the deployed table are the same."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from yaml import SafeLoader
else:  # eight times as fast, if PyYAML was built with libyaml
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


class _TemplateLoader(SafeLoader):
    """Reads CloudFormation's short forms (`!Ref`, `!Sub` …) as plain values."""


def _short_form(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return None


_TemplateLoader.add_multi_constructor("!", _short_form)


def load_template(template: Path = TEMPLATE) -> dict[str, Any]:
    """The template as plain values."""
    content: dict[str, Any] = yaml.load(template.read_text(), _TemplateLoader)  # noqa: S506 - a SafeLoader
    return content


def create_table(client: "DynamoDBClient", name: str, template: Path = TEMPLATE) -> None:
    """Create the template's `Table` with its indexes, stream and TTL under that name, unless it exists."""
    resource = load_template(template)["Resources"]["Table"]["Properties"]
    try:
        client.create_table(TableName=name, **_creation(resource))
    except client.exceptions.ResourceInUseException:
        return
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    client.update_time_to_live(TableName=name, TimeToLiveSpecification=resource["TimeToLiveSpecification"])


def _creation(resource: dict[str, Any]) -> dict[str, Any]:
    same = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    stream = {"StreamEnabled": True, **resource["StreamSpecification"]}
    return {name: resource[name] for name in same} | {"StreamSpecification": stream}
