"""The `resources` section."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import Read, Refusal

HEAD = """service: shop
provider: {name: aws}
functions:
  hello: {handler: a.b, events: [{websocket: $connect}]}
"""
TABLE = """
Resources:
  {name}:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{{AttributeName: pk, AttributeType: S}}]
      KeySchema: [{{AttributeName: pk, KeyType: HASH}}]
"""


def test_resources_may_be_a_file_or_a_list_of_files(read: "Read") -> None:
    """As the framework merges them."""
    files = {"a.yml": TABLE.format(name="A"), "b.yml": TABLE.format(name="B")}
    one = read(HEAD + "resources: ${file(a.yml)}", files=files)
    two = read(HEAD + "resources:\n  - ${file(a.yml)}\n  - ${file(b.yml)}\n", files=files)
    assert [table.name for table in one.tables] == ["shop-dev-A"]
    assert [table.name for table in two.tables] == ["shop-dev-A", "shop-dev-B"]


def test_one_resource_may_be_a_file(read: "Read") -> None:
    """A variable may stand in for any part."""
    files = {"a.yml": TABLE.format(name="A")}
    template = HEAD + "resources:\n  Resources:\n    T: ${file(a.yml):Resources.A}\n"
    assert [table.name for table in read(template, files=files).tables] == ["shop-dev-T"]


def test_conditions_decide_what_is_made_and_mappings_give_values(read: "Read") -> None:
    """They may stand in another part of the section than what uses them."""
    files = {
        "a.yml": """
            Parameters: {Color: {Type: String, Default: red}}
            Conditions: {IsRed: !Equals [!Ref Color, red], IsNot: !Not [!Condition IsRed]}
            Mappings: {Names: {red: {Table: crimson}}}
            """,
        "b.yml": TABLE.format(name="A").replace("Properties:", "Condition: IsNot\n    Properties:"),
        "c.yml": TABLE.format(name="B").replace(
            "Properties:",
            "Condition: IsRed\n    Properties:\n"
            "      TableName: !If [IsRed, !FindInMap [Names, !Ref Color, Table], x]",
        ),
    }
    template = HEAD + "resources: ['${file(a.yml)}', '${file(b.yml)}', '${file(c.yml)}']\n"
    assert [table.name for table in read(template, files=files).tables] == ["crimson"]


def test_resources_that_nothing_refers_to_are_named_in_one_notice(read: "Read") -> None:
    """Permissions, alarms and logs make no difference here and are not worth a word."""
    template = f"""{HEAD}
resources:
  Resources:
    Uploads: {{Type: AWS::S3::Bucket, Properties: {{BucketName: '${{ssm:/x}}'}}}}
    Jobs: {{Type: AWS::SQS::Queue}}
    Role: {{Type: AWS::IAM::Role}}
    Alarm: {{Type: AWS::CloudWatch::Alarm}}
    Logs: {{Type: AWS::Logs::LogGroup}}
    Nothing:
"""
    assert read(template).notices == (
        "not emulated: Uploads (AWS::S3::Bucket), Jobs (AWS::SQS::Queue)",
    )


@pytest.mark.parametrize(
    "resource",
    [
        "{Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref WebsocketsApi}}",
        "{Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref WebsocketsApi}}",
        "{Type: AWS::ApiGatewayV2::Authorizer, Properties: {ApiId: abc}}",
        "{Type: AWS::DynamoDB::GlobalTable}",
    ],
)
def test_resources_that_would_silently_be_missing_are_refused(
    refusal: "Refusal", resource: str
) -> None:
    """Routes and authorizers of the API, and tables of a kind that is not created."""
    refused = refusal(f"{HEAD}resources:\n  Resources:\n    Mine: {resource}\n")
    assert refused.startswith("serverless.yml:7: resources.Resources.Mine is an AWS::")
    assert "only" in refused


def test_a_resource_that_is_there_twice_is_refused_with_both_places(refusal: "Refusal") -> None:
    """Which of them counts nobody could tell."""
    refused = refusal(
        HEAD + "resources:\n  - ${file(a.yml)}\n  - ${file(b.yml)}\n",
        files={"a.yml": TABLE.format(name="A"), "b.yml": "\n\n" + TABLE.format(name="A")},
    )
    assert refused.startswith("b.yml:3: resources.1.Resources.A is there twice, first at ")
    assert refused.endswith("a.yml:3")
