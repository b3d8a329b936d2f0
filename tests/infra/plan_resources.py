"""The resources of a Terraform plan without changes, said in CloudFormation's words.

Such a plan is made after `apply`: everything in it is known. Only what the module sets is taken;
what the provider adds as a default is not. An attribute without a place in CloudFormation's words
is a mistake here, as it would go uncompared.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.infra.system_model import Properties, Resource

Values = dict[str, Any]
MODULE = Path(__file__).parents[2] / "infra/terraform"


class Shape(Struct, frozen=True):
    """How a resource of Terraform's is said in CloudFormation's words."""

    kind: str
    ids: Mapping[str, str] = {}  # the word for what an attribute holds
    renamed: Mapping[str, str] = {}  # attributes whose word isn't theirs in capitals
    rewritten: Callable[[Values], Properties] | None = None  # the whole of it
    left_out: frozenset[str] = frozenset()  # attributes that no template has


class UnmappedError(Exception):
    """The module sets something that nobody has said in CloudFormation's words."""


def pascal(name: str) -> str:
    """Write `memory_size` as `MemorySize`."""
    return "".join(part.capitalize() for part in name.split("_"))


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Write keys in capitals, and a block that stands once as what it holds."""
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], dict):
            return plain(value[0])
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {pascal(key): plain(each) for key, each in value.items() if each not in (None, "")}
    return value


UPLOADED = {"s3_bucket", "s3_key", "source_code_hash", "publish"}


def function(values: Values) -> Properties:
    """Say a function: environment as it is, blocks as objects, the zip by its file's name."""
    said = {
        pascal(key): plain(value)
        for key, value in values.items()
        if key not in UPLOADED and key != "environment" and value != ""
    }
    (environment,) = values["environment"]
    said["Environment"] = {"Variables": environment["variables"]}
    said["Package"] = values["s3_key"]
    if said.get("ReservedConcurrentExecutions") == -1:
        del said["ReservedConcurrentExecutions"]
    if said.get("TracingConfig") == {"Mode": "PassThrough"}:
        del said["TracingConfig"]
    return said


def table(values: Values) -> Properties:
    """Say a table."""
    said: Properties = {
        "BillingMode": values["billing_mode"],
        "AttributeDefinitions": [
            {"AttributeName": each["name"], "AttributeType": each["type"]}
            for each in values["attribute"]
        ],
        "KeySchema": [
            {"AttributeName": values["hash_key"], "KeyType": "HASH"},
            {"AttributeName": values["range_key"], "KeyType": "RANGE"},
        ],
        "TimeToLiveSpecification": plain(values["ttl"]),
        "DeletionProtectionEnabled": values.get("deletion_protection_enabled"),
    }
    for recovery in values.get("point_in_time_recovery") or ():
        said["PointInTimeRecoverySpecification"] = {
            "PointInTimeRecoveryEnabled": recovery["enabled"]
        }
    for encryption in values.get("server_side_encryption") or ():
        said["SSESpecification"] = {
            "SSEEnabled": encryption["enabled"],
            "SSEType": "KMS",
            "KMSMasterKeyId": encryption["kms_key_arn"],
        }
    return said


def stage(values: Values) -> Properties:
    """Say a stage; settings of routes by route key."""

    def settings(block: Values) -> Properties:
        return {key: each for key, each in plain(block).items() if key != "RouteKey"}

    said: Properties = {
        "ApiId": values["api_id"],
        "StageName": values["name"],
        "AutoDeploy": values["auto_deploy"],
        "AccessLogSettings": plain(values.get("access_log_settings") or {}),
        "StageVariables": values.get("stage_variables"),
    }
    for block in values.get("default_route_settings") or ():
        said["DefaultRouteSettings"] = settings(block)
    said["RouteSettings"] = {
        block["route_key"]: settings(block) for block in values.get("route_settings") or ()
    }
    return said


def alarm(values: Values) -> Properties:
    """Say an alarm."""
    special = ("dimensions", "metric_query", "ok_actions", "alarm_actions")
    said = {pascal(key): value for key, value in values.items() if key not in special}
    said["Dimensions"] = values.get("dimensions")
    said["AlarmActions"] = values.get("alarm_actions")
    said["OKActions"] = values.get("ok_actions")
    said["Metrics"] = [
        {pascal(key): value for key, value in query.items() if key != "metric" and value}
        | ({"MetricStat": metric_stat(query)} if query.get("metric") else {})
        for query in values.get("metric_query") or ()
    ]
    return {key: value for key, value in said.items() if value not in (None, "")}


def metric_stat(query: Values) -> Properties:
    """Say the metric within a query of an alarm."""
    (metric,) = query["metric"]
    return {
        "Metric": {
            "Namespace": metric["namespace"],
            "MetricName": metric["metric_name"],
            "Dimensions": metric.get("dimensions") or {},
        },
        "Period": metric["period"],
        "Stat": metric["stat"],
    }


def domain(values: Values) -> Properties:
    """Say a domain, whose one configuration is a list in a template."""
    return {
        "DomainName": values["domain_name"],
        "DomainNameConfigurations": [
            {
                key: value
                for key, value in plain(values["domain_name_configuration"]).items()
                if key in ("CertificateArn", "EndpointType", "SecurityPolicy")
            }
        ],
    }


def record(values: Values) -> Properties:
    """Say a record that is an alias."""
    (alias,) = values["alias"]
    return {
        "Name": values["name"],
        "Type": values["type"],
        "HostedZoneId": values["zone_id"],
        "AliasTarget": {
            "DNSName": alias["name"],
            "HostedZoneId": alias["zone_id"],
            "EvaluateTargetHealth": alias["evaluate_target_health"],
        },
    }


def document(key: str, property_name: str) -> Callable[[Values], Properties]:
    """Say a resource that is all one JSON text."""

    def say(values: Values) -> Properties:
        return {property_name: json.loads(values[key])}

    return say


def role(values: Values) -> Properties:
    """Say a role, whose policies are resources of their own in Terraform."""
    return {"AssumeRolePolicyDocument": json.loads(values["assume_role_policy"])}


SHAPES: dict[str, Shape] = {
    "aws_api_gateway_account": Shape(
        "AWS::ApiGateway::Account", renamed={"cloudwatch_role_arn": "CloudWatchRoleArn"}
    ),
    "aws_apigatewayv2_api": Shape("AWS::ApiGatewayV2::Api", {"id": "id"}),
    "aws_apigatewayv2_api_mapping": Shape(
        "AWS::ApiGatewayV2::ApiMapping", renamed={"api_mapping_key": "ApiMappingKey"}
    ),
    "aws_apigatewayv2_authorizer": Shape(
        "AWS::ApiGatewayV2::Authorizer", {"id": "id"}, {"identity_sources": "IdentitySource"}
    ),
    "aws_apigatewayv2_domain_name": Shape(
        "AWS::ApiGatewayV2::DomainName", {"domain_name": "id"}, rewritten=domain
    ),
    "aws_apigatewayv2_integration": Shape(
        "AWS::ApiGatewayV2::Integration", {"id": "id"}, {"timeout_milliseconds": "TimeoutInMillis"}
    ),
    "aws_apigatewayv2_route": Shape("AWS::ApiGatewayV2::Route", {"id": "id"}),
    "aws_apigatewayv2_route_response": Shape("AWS::ApiGatewayV2::RouteResponse"),
    "aws_apigatewayv2_stage": Shape("AWS::ApiGatewayV2::Stage", rewritten=stage),
    "aws_cloudwatch_dashboard": Shape(
        "AWS::CloudWatch::Dashboard",
        rewritten=document("dashboard_body", "DashboardBody"),
        left_out=frozenset({"dashboard_name"}),
    ),
    "aws_cloudwatch_log_group": Shape(
        "AWS::Logs::LogGroup",
        {"arn": "arn", "name": "id"},
        {"name": "LogGroupName", "retention_in_days": "RetentionInDays"},
    ),
    "aws_cloudwatch_metric_alarm": Shape(
        "AWS::CloudWatch::Alarm", {"arn": "arn", "alarm_name": "id"}, rewritten=alarm
    ),
    "aws_dynamodb_table": Shape(
        "AWS::DynamoDB::Table",
        {"name": "id", "arn": "arn"},
        rewritten=table,
        left_out=frozenset({"name"}),
    ),
    "aws_iam_role": Shape("AWS::IAM::Role", {"arn": "arn", "name": "id"}, rewritten=role),
    "aws_iam_role_policy_attachment": Shape("AWS::IAM::RolePolicy"),
    "aws_iam_role_policy": Shape("AWS::IAM::RolePolicy"),
    "aws_lambda_function": Shape(
        "AWS::Lambda::Function",
        {"arn": "arn", "function_name": "id"},
        rewritten=function,
    ),
    "aws_lambda_alias": Shape(
        "AWS::Lambda::Alias", {"arn": "arn"}, left_out=frozenset({"function_version"})
    ),
    "aws_route53_record": Shape("AWS::Route53::RecordSet", rewritten=record),
    "aws_s3_bucket": Shape(
        "AWS::S3::Bucket", left_out=frozenset({"bucket_prefix", "force_destroy"})
    ),
    "aws_lambda_function_event_invoke_config": Shape(
        "AWS::Lambda::EventInvokeConfig",
        renamed={"maximum_event_age_in_seconds": "MaximumEventAgeInSeconds"},
    ),
    "aws_lambda_permission": Shape("AWS::Lambda::Permission"),
    "aws_sns_topic": Shape("AWS::SNS::Topic", {"arn": "arn"}, {"name": "TopicName"}),
    "aws_sns_topic_subscription": Shape("AWS::SNS::Subscription"),
    "aws_sqs_queue": Shape(
        "AWS::SQS::Queue",
        {"arn": "arn", "url": "id"},
        {
            "name": "QueueName",
            "message_retention_seconds": "MessageRetentionPeriod",
            "sqs_managed_sse_enabled": "SqsManagedSseEnabled",
        },
    ),
}
OUTPUTS = {
    "alarm_topic_arn": "AlarmTopicArn",
    "http_url": "HttpApiUrl",
    "socket_url": "SocketUrl",
    "table_name": "TableName",
}
"""What the template's stack calls them."""

NOT_IN_TEMPLATES = {
    "aws_s3_bucket_public_access_block": "of the bucket that the zips go by",
    "aws_s3_object": "the framework uploads the zips before it deploys",
}

NOT_COMPARED = frozenset({"tags", "depends_on"})
"""A stack's tags are given when it is deployed, so that no template has them."""


def dynamic_blocks(sources: Path = MODULE) -> dict[str, set[str]]:
    """Return by `type.name` which blocks are dynamic, which a plan's configuration leaves out."""
    found: dict[str, set[str]] = {}
    for path in sources.glob("*.tf"):
        of = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if match := re.match(r'resource "(\w+)" "(\w+)"', line):
                of = f"{match[1]}.{match[2]}"
            elif line.startswith("}"):
                of = ""
            elif of and (match := re.match(r'\s+dynamic "(\w+)"', line)):
                found.setdefault(of, set()).add(match[1])
    return found


def configured(module: Values) -> dict[str, set[str]]:
    """Return by `type.name` which attributes a module sets."""
    dynamic = dynamic_blocks()
    return {
        (name := f"{resource['type']}.{resource['name']}"): set(resource.get("expressions", {}))
        | dynamic.get(name, set())
        for resource in module["resources"]
        if resource["mode"] == "managed"
    }


def plan_resources(plan: Values, module: str) -> list[Resource]:
    """Return the resources of one module call, and its outputs.

    Raises UnmappedError for an attribute or a type without a place in CloudFormation's words.
    """
    calls = plan["configuration"]["root_module"]["module_calls"]
    attributes = configured(calls[module]["module"])
    found: list[Resource] = []
    policies: list[Resource] = []
    for change in plan["resource_changes"]:
        if change.get("module_address") != f"module.{module}" or change["mode"] != "managed":
            continue
        after = change["change"]["after"]
        if after is None or change["type"] in NOT_IN_TEMPLATES:  # None: it is to go
            continue
        values = {
            key: after.get(key)
            for key in attributes[f"{change['type']}.{change['name']}"] - NOT_COMPARED
        }
        said = say(change["type"], values, after)
        (policies if said.kind == "AWS::IAM::RolePolicy" else found).append(said)
    for each in policies:
        give_policy(each.properties, found)
    return found + outputs(plan, module)


def outputs(plan: Values, module: str) -> list[Resource]:
    """Return a module's outputs, which the root module gives as one output of the module's name."""
    given = plan["planned_values"]["outputs"].get(module, {}).get("value", {})
    return [
        Resource("Output", {"Name": OUTPUTS.get(name, name), "Value": value}, {})
        for name, value in given.items()
        if value is not None  # of what is not made
    ]


def say(kind: str, values: Values, after: Values) -> Resource:
    """Say one resource in CloudFormation's words."""
    if kind not in SHAPES:
        raise UnmappedError(f"{kind}: say in {__name__} what CloudFormation calls it")
    shape = SHAPES[kind]
    kept = {key: value for key, value in values.items() if key not in shape.left_out}
    if shape.rewritten:
        properties = shape.rewritten(kept)
    else:
        properties = {
            shape.renamed.get(key, pascal(key)): plain(value)
            for key, value in kept.items()
            if value != ""  # the provider's way to say that there is none
        }
    ids = {str(after[attribute]): word for attribute, word in shape.ids.items()}
    if shape.kind == "AWS::Logs::LogGroup":  # as CloudFormation gives it
        ids[f"{after['arn']}:*"] = "arn"
    return Resource(shape.kind, properties, ids)


def give_policy(policy: Properties, found: list[Resource]) -> None:
    """Put a role's policy where CloudFormation has it: into the role."""
    for each in found:
        if each.kind != "AWS::IAM::Role" or policy["Role"] not in each.ids:
            continue
        if "PolicyArn" in policy:
            each.properties.setdefault("ManagedPolicyArns", []).append(policy["PolicyArn"])
        else:
            each.properties.setdefault("Policies", []).append(
                {"PolicyName": policy["Name"], "PolicyDocument": json.loads(policy["Policy"])}
            )
