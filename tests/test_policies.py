"""The reading of roles (policies.py): exact, and with an error where it could be wrong."""

from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.policies import Role, roles, too_few, too_many
from tests.rights import ARN, Right

STACK: Final = "shop-dev"
TABLE: Final = ARN.format("dynamodb", f"table/{STACK}-Table")
CONNECTIONS: Final = ARN.format("execute-api", "WebsocketsApi/dev/POST/@connections/")
POST: Final = (
    "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${WebsocketsApi}"
    "/dev/POST/@connections/*"
)
LOGS: Final = ARN.format("logs", "log-group:/aws/lambda/shop-dev-chat:*")
TEMPLATE: Final[dict[str, Any]] = {
    "Resources": {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {}},
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": "/aws/lambda/shop-dev-chat"},
        },
        "Letters": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "letters"}},
        "Orders": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}},
        "Chat": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "shop-dev-chat",
                "Role": {"Fn::GetAtt": ["ChatRole", "Arn"]},
                "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Letters", "Arn"]}},
            },
        },
        "ChatRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "Policies": [
                    {
                        "PolicyDocument": {
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": "logs:PutLogEvents",
                                    "Resource": {"Fn::GetAtt": ["Logs", "Arn"]},
                                },
                                {
                                    "Effect": "Allow",
                                    "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
                                    "Resource": {"Fn::GetAtt": ["Table", "Arn"]},
                                },
                                {
                                    "Effect": "Allow",
                                    "Action": "execute-api:ManageConnections",
                                    "Resource": {"Fn::Sub": POST},
                                },
                                {
                                    "Effect": "Allow",
                                    "Action": "sqs:SendMessage",
                                    "Resource": {"Fn::GetAtt": ["Letters", "Arn"]},
                                },
                            ]
                        }
                    }
                ]
            },
        },
        "More": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Roles": [{"Ref": "ChatRole"}],
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "sqs:SendMessage",
                            "Resource": {"Fn::GetAtt": ["Orders", "Arn"]},
                        }
                    ]
                },
            },
        },
    }
}
ASKED: Final = {
    Right("dynamodb:GetItem", TABLE),
    Right("dynamodb:PutItem", TABLE),
    Right("execute-api:ManageConnections", f"{CONNECTIONS}a="),
    Right("sqs:SendMessage", ARN.format("sqs", "orders")),
}


def chat(template: dict[str, Any] = TEMPLATE) -> Role:
    """Read the role of the only function."""
    return roles(template, stack=STACK)["chat"]


def test_a_role_is_read_with_policies_of_its_own_and_attached_ones() -> None:
    """Neither too few nor too many: logs and dead letters are for Lambda."""
    assert too_few(chat(), ASKED) == set()
    assert too_many(chat(), ASKED) == set()
    assert Right("logs:PutLogEvents", LOGS) in chat().allowed


def test_each_right_that_is_missing_is_found() -> None:
    """One after the other."""
    role = chat()
    for right in role.allowed - role.for_lambda:
        less = replace(role, allowed=role.allowed - {right})
        assert len(too_few(less, ASKED)) == 1, right


@pytest.mark.parametrize(
    "more",
    [
        Right("dynamodb:Scan", TABLE),
        Right("dynamodb:GetItem", f"{TABLE}/index/any"),
        Right("dynamodb:*", TABLE),
        Right("dynamodb:GetItem", "*"),
        Right("execute-api:ManageConnections", CONNECTIONS.replace("POST", "*") + "*"),
        Right("execute-api:ManageConnections", CONNECTIONS.replace("/dev/", "/prod/") + "*"),
        Right("sqs:SendMessage", ARN.format("sqs", "another")),
        Right("logs:PutLogEvents", LOGS.replace("chat", "other")),
    ],
)
def test_each_right_that_is_left_over_is_found(more: Right) -> None:
    """Also one that is used, but wider than what it is used for."""
    role = chat()
    wider = replace(role, allowed=role.allowed | {more})
    assert too_many(wider, ASKED) == {more}


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"NotAction": "s3:*"},
        {"Resource": {"Fn::ImportValue": "table"}},
    ],
)
def test_what_the_reading_does_not_know_is_an_error(change: dict[str, object]) -> None:
    """It says what it does not understand."""
    template = deepcopy(TEMPLATE)
    [policy] = template["Resources"]["ChatRole"]["Properties"]["Policies"]
    policy["PolicyDocument"]["Statement"][1].update(change)
    with pytest.raises(AssertionError, match="not understood"):
        chat(template)
