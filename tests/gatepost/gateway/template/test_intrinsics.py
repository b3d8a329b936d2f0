"""What CloudFormation's functions stand for in values that are used."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import Environment, Refusal

RESOURCES = """
resources:
  Parameters:
    Color: {Type: String, Default: red}
    Suffix: {Type: String, Default: ''}
  Resources:
    Orders:
      Type: AWS::DynamoDB::Table
      Properties:
        TableName: orders-${sls:stage}
        BillingMode: PAY_PER_REQUEST
        AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
        KeySchema: [{AttributeName: pk, KeyType: HASH}]
    Uploads:
      Type: AWS::S3::Bucket
"""
API_HOST = "execute-api.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("!Ref Orders", "orders-dev"),
        ("{Ref: Orders}", "orders-dev"),
        ("!Ref Color", "red"),
        ("!Ref Suffix", ""),
        ("!Ref HelloLambdaFunction", "shop-dev-hello"),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Ref AWS::AccountId", "123456789012"),
        ("!Ref AWS::StackName", "shop-dev"),
        ("!Ref AWS::Partition", "aws"),
        ("!Ref AWS::URLSuffix", "amazonaws.com"),
        ("!GetAtt Orders.Arn", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-dev"),
        (
            "!GetAtt HelloLambdaFunction.Arn",
            "arn:aws:lambda:us-east-1:123456789012:function:shop-dev-hello",
        ),
        ("{Fn::GetAtt: [Orders, Arn]}", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-dev"),
        ("!Sub '${Orders.Arn}/*'", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-dev/*"),
        ("!Sub ['${A}-${Orders}-${!B}', {A: !Ref Color}]", "red-orders-dev-${B}"),
        ("!Sub 'https://${AWS::Region}.${AWS::URLSuffix}/${sls:stage}'", "https://us-east-1.amazonaws.com/dev"),
        ("!Join ['/', [a, !Ref Orders, 5]]", "a/orders-dev/5"),
        ("!Select [1, !Split ['-', !Ref Orders]]", "dev"),
        ("!Select ['0', [a, b]]", "a"),
        ("!Join [',', [a, !Ref AWS::NoValue, b]]", "a,b"),
        ("!Join [',', !Ref AWS::NotificationARNs]", ""),
        ("!Base64 red", "cmVk"),
        ("{Fn::Length: [a, b]}", "2"),
        ("{Fn::ToJsonString: {a: [1, true]}}", '{"a":[1,true]}'),
        ("!FindInMap [A, b, c, {DefaultValue: d}]", "d"),
        ("!Equals [!Ref Color, red]", "true"),
        (
            "!Ref AWS::StackId",
            (
                "arn:aws:cloudformation:us-east-1:123456789012:stack/shop-dev"
                "/00000000-0000-0000-0000-000000000000"
            ),
        ),
    ],
)  # fmt: skip
def test_a_function_has_the_value_it_would_have(
    environment: "Environment", value: str, text: str
) -> None:
    """Sources: the CloudFormation reference of intrinsic functions and pseudo parameters."""
    assert environment(f"X: {value}", rest=RESOURCES) == {"X": text}


def test_the_websocket_api_is_known_by_the_framework_s_logical_id(
    environment: "Environment",
) -> None:
    """Ref is the API's id, ApiEndpoint its socket; the id is 10 characters (B-005)."""
    values = environment(
        """
        ID: !Ref WebsocketsApi
        SOCKET: !GetAtt WebsocketsApi.ApiEndpoint
        MANAGEMENT: !Sub https://${WebsocketsApi}.execute-api.${AWS::Region}.amazonaws.com/dev
        """
    )
    assert len(values["ID"]) == 10
    assert values["SOCKET"] == f"wss://{values['ID']}.{API_HOST}"
    assert values["MANAGEMENT"] == f"https://{values['ID']}.{API_HOST}/dev"


def test_a_variable_without_value_is_left_out(environment: "Environment") -> None:
    """AWS::NoValue and null take a member away."""
    assert environment("A: !Ref AWS::NoValue\nB:\nC: ''") == {"C": ""}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("!Ref Order", "refers to Order, which is no resource or parameter of this template"),
        ("!Sub '${Order}'", "refers to Order, which is no resource or parameter of this template"),
        (
            "!ImportValue x",
            (
                "imports x, which another stack exports: "
                "give it under imports in a file for --values"
            ),
        ),
        ("!Cidr [a, 1, 2]", "can't be carried out here: Fn::Cidr needs a deployed stack"),
        ("!If [A, b, c]", "names condition A, which Conditions lacks"),
        ("!If [A, b]", "needs a condition and two values"),
        ("!FindInMap [A, b, c]", "looks for A.b.c, which Mappings lacks"),
        ("!Base64 [a]", "has a part that is no text"),
        ("{Fn::Length: a}", "must be a list"),
        ("{Fn::ToJsonString: a}", "must be a mapping or a list"),
        (
            "'{{resolve:ssm:/a/b:3}}'",
            ("asks AWS for {{resolve:ssm:/a/b:3}}: give /a/b under ssm in a file for --values"),
        ),
        ("'{{resolve:kms:x}}'", "has {{resolve:kms:x}}, which is no dynamic reference"),
        ("!GetAtt Orders", "needs a resource and an attribute"),
        ("!Join [a]", "needs a delimiter and a list"),
        ("!Join ['', [[a]]]", "has a part that is no text"),
        ("!Select [2, [a, b]]", "needs an index and a list that has it"),
        ("!Split ['', a]", "needs a delimiter and a text"),
        ("!Sub [a, b, c]", "needs a text, or a text and a mapping"),
        ("[a, b]", "must be a text"),
        ("{a: b}", "must be a text"),
    ],
)
def test_what_only_a_deployed_stack_knows_is_refused(
    refusal: "Refusal", value: str, sentence: str
) -> None:
    """Place, path of the value, and the resource and attribute at fault."""
    template = f"""service: shop
provider:
  name: aws
  environment:
    X: {value}
functions:
  hello: {{handler: a.b, events: [{{websocket: $connect}}]}}
{RESOURCES}"""
    refused = refusal(template)
    assert refused.startswith("serverless.yml:5: provider.environment.X")
    assert refused.endswith(f" {sentence}")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("!Ref Uploads", "refers to Uploads, an AWS::S3::Bucket, which is not emulated: "),
        ("!GetAtt Uploads.Arn", "refers to Uploads, an AWS::S3::Bucket, which is not emulated: "),
        ("!GetAtt WebsocketsApi.Nope", "refers to WebsocketsApi.Nope, which is not known here"),
    ],
)
def test_what_is_not_emulated_is_refused_outside_environments(
    refusal: "Refusal", value: str, sentence: str
) -> None:
    """A table's name decides what the emulator makes: no stand-in is good enough for it."""
    table = f"""    Named:
      Type: AWS::DynamoDB::Table
      Properties: {{TableName: {value}}}
"""
    template = f"""service: shop
provider: {{name: aws, runtime: python3.13}}
functions:
  hello: {{handler: a.b, events: [{{websocket: $connect}}]}}
{RESOURCES.rstrip()}
{table}"""
    assert sentence in refusal(template)
