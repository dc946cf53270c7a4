from typing import TYPE_CHECKING

import yaml

from switchboard_local.table import TEMPLATE, _TemplateLoader, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def test_the_local_table_is_the_deployed_one(dynamodb: "DynamoDBClient", table: str) -> None:
    deployed = yaml.load(TEMPLATE.read_text(), _TemplateLoader)["Resources"]["Table"]["Properties"]
    local = dynamodb.describe_table(TableName=table)["Table"]
    assert local["KeySchema"] == deployed["KeySchema"]
    assert local["AttributeDefinitions"] == deployed["AttributeDefinitions"]
    for ours, theirs in zip(local["GlobalSecondaryIndexes"], deployed["GlobalSecondaryIndexes"], strict=True):
        assert {name: ours[name] for name in ("IndexName", "KeySchema", "Projection")} == theirs
    assert local["StreamSpecification"] == {"StreamEnabled": True, **deployed["StreamSpecification"]}
    ttl = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_an_existing_table_keeps_its_items(dynamodb: "DynamoDBClient", table: str) -> None:
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    create_table(dynamodb, table)
    assert dynamodb.scan(TableName=table)["Count"] == 1


def test_short_forms_of_the_template_are_read() -> None:
    read = yaml.load("[!Ref A, !GetAtt [B, Arn], !If {a: !Sub 'x${Y}'}]", _TemplateLoader)
    assert read == ["A", ["B", "Arn"], {"a": "x${Y}"}]
