"""Stand-ins in environment variables for what is not emulated."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.stand_ins import attribute_pattern
from gatepost.gateway.template.values import Values

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gatepost.gateway.template.conftest import Read, ReadStack, Refusal, StackRefusal

QUEUE = "{Type: AWS::SQS::Queue}"
SERVERLESS = """
service: shop
provider:
  name: aws
  runtime: python3.13
  environment:
    JOBS: !Ref Jobs
functions:
  hello:
    handler: app.hello
    environment:
      JOBS_ARN: !GetAtt Jobs.Arn
    events:
      - websocket: $connect
  later: {handler: app.later}
resources:
  Resources:
    Jobs: {Type: AWS::SQS::Queue, Properties: {QueueName: 'jobs-${sls:stage}'}}
"""


@pytest.mark.parametrize(
    ("resource", "value", "stand_in"),
    [
        (QUEUE, "!Ref It", "https://sqs.us-east-1.amazonaws.com/123456789012/{stack}-It"),
        (QUEUE, "!GetAtt It.Arn", "arn:aws:sqs:us-east-1:123456789012:{stack}-It"),
        ("{Type: AWS::SQS::Queue, Properties: {QueueName: jobs}}", "!GetAtt It.QueueName", "jobs"),
        (
            "{Type: AWS::SNS::Topic, Properties: {FifoTopic: true}}",
            "!GetAtt It.TopicName",
            "{stack}-It.fifo",
        ),
        ("{Type: AWS::S3::Bucket}", "!Ref It", "{lower}-it"),
        ("{Type: AWS::S3::Bucket}", "!GetAtt It.Arn", "arn:aws:s3:::{lower}-it"),
        (
            "{Type: AWS::S3::Bucket, Properties: {BucketName: !Sub 'up-${AWS::Region}'}}",
            "!Sub 's3://${It}/${It.RegionalDomainName}'",
            "s3://up-us-east-1/up-us-east-1.s3.us-east-1.amazonaws.com",
        ),
        ("{Type: AWS::SNS::Topic}", "!Ref It", "arn:aws:sns:us-east-1:123456789012:{stack}-It"),
        (
            "{Type: AWS::StepFunctions::StateMachine}",
            "!Ref It",
            "arn:aws:states:us-east-1:123456789012:stateMachine:{stack}-It",
        ),
        ("{Type: AWS::Kinesis::Stream}", "!Ref It", "{stack}-It"),
        (
            "{Type: AWS::Events::EventBus, Properties: {Name: shop}}",
            "!GetAtt It.Arn",
            "arn:aws:events:us-east-1:123456789012:event-bus/shop",
        ),
        (
            "{Type: AWS::SecretsManager::Secret, Properties: {Name: db}}",
            "!Ref It",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-Abc123",
        ),
        ("{Type: AWS::SSM::Parameter, Properties: {Value: v}}", "!GetAtt It.Value", "v"),
        ("{Type: AWS::RDS::DBInstance}", "!GetAtt It.Endpoint.Port", "5432"),
        ("{Type: AWS::CloudFormation::Stack}", "!GetAtt It.Outputs.Url", "{stack}-It-Url"),
    ],
)
def test_a_stand_in_has_the_form_that_the_service_gives(  # noqa: PLR0917 - cases
    read_stack: "ReadStack", tmp_path: "Path", resource: str, value: str, stand_in: str
) -> None:
    """Names that the template gives count; else a name is made of stack and logical id."""
    deployment = read_stack(
        f"It: {resource}", function=f", Environment: {{Variables: {{A: {value}}}}}"
    )
    found = deployment.functions[f"{tmp_path.name}-Hello"].environment["A"]
    assert found == stand_in.format(stack=tmp_path.name, lower=tmp_path.name.lower())


def test_a_user_pool_has_one_id_wherever_it_is_named(
    read_stack: "ReadStack", tmp_path: "Path"
) -> None:
    """Ref and ARN agree, as a client of the pool needs them to."""
    deployment = read_stack(
        "Pool: {Type: AWS::Cognito::UserPool}",
        function=", Environment: {Variables: {ID: !Ref Pool, ARN: !GetAtt Pool.Arn}}",
    )
    environment = deployment.functions[f"{tmp_path.name}-Hello"].environment
    assert environment["ID"].startswith("us-east-1_")
    assert environment["ARN"] == (
        f"arn:aws:cognito-idp:us-east-1:123456789012:userpool/{environment['ID']}"
    )


def test_each_resource_is_told_of_once(read_stack: "ReadStack", tmp_path: "Path") -> None:
    """The notice names variables and functions; what isn't known of a table is one as well."""
    deployment = read_stack(
        "Jobs: {Type: AWS::SQS::Queue}\nTable: {Type: AWS::DynamoDB::Table, Properties: "
        "{BillingMode: PAY_PER_REQUEST, KeySchema: [{AttributeName: a, KeyType: HASH}], "
        "AttributeDefinitions: [{AttributeName: a, AttributeType: S}]}}",
        function=", Environment: {Variables: {A: !Ref Jobs, B: !Ref Jobs, "
        "C: !GetAtt Table.StreamArn}}",
    )
    name = f"{tmp_path.name}-Hello"
    assert deployment.notices[:2] == (
        (
            f"Jobs (AWS::SQS::Queue) is not emulated: A, B of function {name} "
            "are stand-ins; give the real value with --values"
        ),
        (
            f"an attribute of Table is not emulated: C of function {name} is a stand-in; "
            "give the real value with --values"
        ),
    )


def test_a_serverless_yml_s_environments_have_stand_ins(read: "Read") -> None:
    """The provider's variables are every function's."""
    deployment = read(SERVERLESS)
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/jobs-dev"
    arn = "arn:aws:sqs:us-east-1:123456789012:jobs-dev"
    assert deployment.functions["shop-dev-hello"].environment == {"JOBS": url, "JOBS_ARN": arn}
    assert deployment.notices[0] == (
        "Jobs (AWS::SQS::Queue) is not emulated: JOBS of functions shop-dev-hello and "
        "shop-dev-later, JOBS_ARN of function shop-dev-hello are stand-ins; "
        "give the real value with --values"
    )


def test_the_values_file_goes_before_a_stand_in(read: "Read") -> None:
    """What it says is told of no more."""
    values = Values(resources={"Jobs": {"Ref": "http://localhost:9324/jobs", "Arn": "arn:x"}})
    deployment = read(SERVERLESS, values=values)
    environment = deployment.functions["shop-dev-hello"].environment
    assert environment == {"JOBS": "http://localhost:9324/jobs", "JOBS_ARN": "arn:x"}
    assert deployment.notices == ("not emulated: Jobs (AWS::SQS::Queue)",)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("!Ref Nothing", "refers to Nothing, which is no resource or parameter"),
        ("!GetAtt Nothing.Arn", "refers to Nothing, which is no resource or parameter"),
        ("!Ref Loop", "depends on itself"),
    ],
)
def test_what_is_no_resource_has_no_stand_in(
    stack_refusal: "StackRefusal", value: str, sentence: str
) -> None:
    """A slip of the pen is refused as it would be by CloudFormation."""
    loop = "Loop: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub '${Loop}'}}"
    function = f", Environment: {{Variables: {{A: {value}}}}}"
    assert sentence in stack_refusal(loop, function=function)


def test_a_handler_has_no_stand_in(refusal: "Refusal") -> None:
    """A table named after a bucket is refused: only environments have them."""
    template = SERVERLESS + (
        "    Names: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Ref Jobs}}\n"
    )
    assert "refers to Jobs, an AWS::SQS::Queue, which is not emulated" in refusal(template)


@pytest.mark.parametrize(
    ("attribute", "pattern"),
    [
        ("SomeArn", "arn:aws:{service}:{region}:{account}:{name}"),
        ("GraphQLUrl", "https://{id}.{service}.{region}.amazonaws.com"),
        ("RedisEndpoint.Address", "{id}.{service}.{region}.amazonaws.com"),
        ("RedisEndpoint.Port", "443"),
        ("Outputs.Table", "{name}-Table"),
        ("PhysicalId", "{name}"),
        ("Anything", "{name}"),
    ],
)
def test_an_attribute_s_name_tells_its_form(attribute: str, pattern: str) -> None:
    """For kinds that no table lists."""
    assert attribute_pattern("Custom::Thing", attribute) == pattern
