"""What `osls package` makes of serverless.yml: the system as it would be deployed."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.infra.conftest import Package

pytestmark = pytest.mark.node

EVERYBODY_MAY = {
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
}
TABLE_ACTIONS = {
    "ConnectionsRole": EVERYBODY_MAY | {"dynamodb:ConditionCheckItem"},
    "MessageRole": EVERYBODY_MAY | {"dynamodb:UpdateItem"},
}


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of all policies of a role."""
    return [
        statement
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def test_three_functions_run_on_python_3_13_and_arm(packaged: "Package") -> None:
    """Handlers, runtime and architecture as serverless.yml has them."""
    functions = packaged.of_type("AWS::Lambda::Function").values()
    assert {one["FunctionName"]: one["Handler"] for one in functions} == {
        "gatepost-dev-connect": "functions/connect.handler",
        "gatepost-dev-disconnect": "functions/disconnect.handler",
        "gatepost-dev-message": "functions/message.handler",
    }
    assert {one["Runtime"] for one in functions} == {"python3.13"}
    assert [one["Architectures"] for one in functions] == [["arm64"]] * 3


def test_the_api_has_its_three_routes_and_answers_on_default(packaged: "Package") -> None:
    """`$default` has a route response, which makes it two-way (B-190)."""
    (api,) = packaged.of_type("AWS::ApiGatewayV2::Api").values()
    assert api["RouteSelectionExpression"] == "$request.body.action"
    routes = packaged.of_type("AWS::ApiGatewayV2::Route")
    two_way = {
        route["RouteKey"]: route.get("RouteResponseSelectionExpression")
        for route in routes.values()
    }
    assert two_way == {"$connect": None, "$disconnect": None, "$default": "$default"}
    (response,) = packaged.of_type("AWS::ApiGatewayV2::RouteResponse").values()
    assert response["RouteResponseKey"] == "$default"
    assert routes[response["RouteId"]["Ref"]]["RouteKey"] == "$default"


def test_the_table_is_on_demand_and_forgets(packaged: "Package") -> None:
    """One table; rows end at `expires_at`."""
    (table,) = packaged.of_type("AWS::DynamoDB::Table").values()
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]


def test_no_function_is_told_whom_to_let_in(packaged: "Package") -> None:
    """AUTH is set by the local environment file alone; without it connect answers 403."""
    for function in packaged.of_type("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        assert "AUTH" not in variables
        assert variables["TABLE_NAME"] == {"Ref": "Table"}


def test_the_sender_knows_the_management_api_of_its_own_stage(packaged: "Package") -> None:
    """The AWS SDK reads the endpoint from its standard variable."""
    function = packaged.resources["MessageLambdaFunction"]["Properties"]
    variables = function["Environment"]["Variables"]
    assert variables["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] == {
        "Fn::Sub": "https://${WebsocketsApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/dev"
    }


def test_functions_may_use_the_table_and_write_their_own_logs(packaged: "Package") -> None:
    """Nobody has more of either than that, and the framework's own role is not made."""
    roles = packaged.of_type("AWS::IAM::Role")
    assert set(roles) == {"ConnectionsRole", "MessageRole"}
    logs = {
        "ConnectionsRole": [
            {"Fn::GetAtt": ["ConnectLogGroup", "Arn"]},
            {"Fn::GetAtt": ["DisconnectLogGroup", "Arn"]},
        ],
        "MessageRole": {"Fn::GetAtt": ["MessageLogGroup", "Arn"]},
    }
    for name, role in roles.items():
        table, log = statements(role)[:2]
        assert set(table["Action"]) == TABLE_ACTIONS[name]
        assert table["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}
        assert set(log["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
        assert log["Resource"] == logs[name]


def test_only_the_sender_may_reach_connections_and_only_of_this_api(packaged: "Package") -> None:
    """ManageConnections is limited to this API at this stage."""
    roles = packaged.of_type("AWS::IAM::Role")
    extra = {name: statements(role)[2:] for name, role in roles.items()}
    arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}"
    assert extra == {
        "ConnectionsRole": [],
        "MessageRole": [
            {
                "Effect": "Allow",
                "Action": "execute-api:ManageConnections",
                "Resource": {"Fn::Sub": f"{arn}:${{WebsocketsApi}}/dev/POST/@connections/*"},
            }
        ],
    }


def test_each_function_has_its_role(packaged: "Package") -> None:
    """`connect` and `disconnect` share one, `message` has its own."""
    functions = packaged.of_type("AWS::Lambda::Function")
    assert {name: one["Role"]["Fn::GetAtt"][0] for name, one in functions.items()} == {
        "ConnectLambdaFunction": "ConnectionsRole",
        "DisconnectLambdaFunction": "ConnectionsRole",
        "MessageLambdaFunction": "MessageRole",
    }


def test_the_artifact_holds_the_functions_and_nothing_else(packaged: "Package") -> None:
    """No emulator, no tests, no pages, no byte code of this machine."""
    assert "functions/__init__.py" in packaged.files
    assert {name.partition("/")[0] for name in packaged.files} == {"functions"}
    assert not [name for name in packaged.files if "__pycache__" in name]


def test_cfn_lint_finds_only_what_the_framework_writes(packaged: "Package") -> None:
    """W3005, a DependsOn that a GetAtt implies already, is the framework's habit."""
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(cfn_lint), "--format", "parseable", str(packaged.template_path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = finished.stdout.splitlines()
    assert lines, finished.stderr
    assert [line for line in lines if ":W3005:" not in line] == []
