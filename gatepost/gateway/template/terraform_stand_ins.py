"""Well-formed values in environment variables for what a plan only knows once it is applied.

Responsible for which kind of CloudFormation a Terraform resource is, by whose forms (stand_ins.py)
its attributes are filled in. Source: the AWS provider's reference of each resource's attributes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.stand_ins import (
    arn_pattern,
    attribute_pattern,
    filled_in,
    ref_pattern,
    service_of,
)

if TYPE_CHECKING:
    from gatepost.gateway.template.terraform_plan import Resource

_KINDS: Final = {
    "aws_cloudwatch_event_bus": "AWS::Events::EventBus",
    "aws_cloudwatch_event_rule": "AWS::Events::Rule",
    "aws_cognito_identity_pool": "AWS::Cognito::IdentityPool",
    "aws_cognito_user_pool": "AWS::Cognito::UserPool",
    "aws_cognito_user_pool_client": "AWS::Cognito::UserPoolClient",
    "aws_db_instance": "AWS::RDS::DBInstance",
    "aws_iam_role": "AWS::IAM::Role",
    "aws_kinesis_firehose_delivery_stream": "AWS::KinesisFirehose::DeliveryStream",
    "aws_kinesis_stream": "AWS::Kinesis::Stream",
    "aws_kms_key": "AWS::KMS::Key",
    "aws_rds_cluster": "AWS::RDS::DBCluster",
    "aws_s3_bucket": "AWS::S3::Bucket",
    "aws_secretsmanager_secret": "AWS::SecretsManager::Secret",
    "aws_security_group": "AWS::EC2::SecurityGroup",
    "aws_sfn_state_machine": "AWS::StepFunctions::StateMachine",
    "aws_sns_topic": "AWS::SNS::Topic",
    "aws_sqs_queue": "AWS::SQS::Queue",
    "aws_subnet": "AWS::EC2::Subnet",
    "aws_vpc": "AWS::EC2::VPC",
}
_NAMES: Final = ("name", "bucket", "identifier", "cluster_identifier", "function_name")
_ID_IS_ARN: Final = frozenset({"aws_kinesis_stream", "aws_kinesis_firehose_delivery_stream"})
_LIKE_REF: Final = frozenset({"id", "key_id", "url"})


@dataclass(frozen=True, slots=True)
class StandIns:
    """Makes the stand-ins of one project."""

    region: str
    project: str

    def attribute(self, resource: "Resource", name: str) -> str | None:
        """Return a stand-in for an attribute of a resource; None for a data source's."""
        if resource.address.startswith("data.") or ".data." in resource.address:
            return None
        service, _, rest = resource.type.removeprefix("aws_").partition("_")
        kind = _KINDS.get(resource.type, f"AWS::{service}::{rest}")
        given = (resource.values.get(key) for key in _NAMES)
        made_up = f"{self.project}-{resource.name}".lower().replace("_", "-")
        return filled_in(
            _pattern(resource.type, kind, name),
            service=service_of(kind),
            name=next((text for text in given if isinstance(text, str)), made_up),
            region=self.region,
            seed=f"{self.project}/{resource.address}",
        )


def _pattern(type_: str, kind: str, name: str) -> str:
    if name == "id" and type_ in _ID_IS_ARN:
        return arn_pattern(kind)
    if name in _LIKE_REF and type_ in _KINDS:
        return ref_pattern(kind)
    return attribute_pattern(kind, name.replace("_", ""))
