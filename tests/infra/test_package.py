"""What `osls package` makes of serverless.yml: the system as it would be deployed."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.infra.conftest import Package

pytestmark = pytest.mark.node

MANAGEMENT_ENDPOINT = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"

FORGETTING = {
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
}
TABLE_ACTIONS = {
    "ApiRole": FORGETTING | {"dynamodb:BatchGetItem", "dynamodb:PutItem"},
    "ConnectRole": {"dynamodb:ConditionCheckItem", "dynamodb:PutItem"},
    "DisconnectRole": FORGETTING,
    "FanoutRole": FORGETTING,
    "MessageRole": FORGETTING | {"dynamodb:PutItem"},
    "RefreshRole": FORGETTING,
}
"""That nothing less and nothing more is used: tests/contract/test_entry_points.py."""

REACHES_CONNECTIONS = {
    "ApiRole": ["POST", "DELETE"],
    "DisconnectRole": ["POST"],
    "FanoutRole": ["POST"],
    "MessageRole": ["POST", "DELETE"],
    "RefreshRole": ["POST", "DELETE"],
}
FUNCTIONS = ("api", "authorizer", "connect", "disconnect", "fanout", "message", "refresh")


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of all policies of a role; API Gateway's own has none."""
    return [
        statement
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def routes_of(packaged: "Package", api: str) -> dict[str, dict[str, Any]]:
    """Return the routes of one API by logical id."""
    routes = packaged.of_type("AWS::ApiGatewayV2::Route")
    return {name: each for name, each in routes.items() if each["ApiId"] == {"Ref": api}}


def test_functions_run_on_python_3_13_and_arm(packaged: "Package") -> None:
    """Handlers, runtime and architecture as serverless.yml has them."""
    functions = packaged.of_type("AWS::Lambda::Function").values()
    assert {one["FunctionName"]: one["Handler"] for one in functions} == {
        f"gatepost-dev-{name}": f"functions/{name}.handler" for name in FUNCTIONS
    }
    assert {one["Runtime"] for one in functions} == {"python3.13"}
    assert [one["Architectures"] for one in functions] == [["arm64"]] * len(FUNCTIONS)


def test_requests_are_answered_and_signals_are_not(packaged: "Package") -> None:
    """A route response makes a route two-way (B-190)."""
    api = packaged.resources["WebsocketsApi"]["Properties"]
    assert api["RouteSelectionExpression"] == "$request.body.action"
    routes = routes_of(packaged, "WebsocketsApi")
    two_way = {
        route["RouteKey"]: route.get("RouteResponseSelectionExpression")
        for route in routes.values()
    }
    assert two_way == {
        "$connect": None,
        "$disconnect": None,
        "$default": "$default",
        "refresh": "$default",
        "signal": None,
    }
    responses = packaged.of_type("AWS::ApiGatewayV2::RouteResponse").values()
    assert {response["RouteResponseKey"] for response in responses} == {"$default"}
    answered = {routes[response["RouteId"]["Ref"]]["RouteKey"] for response in responses}
    assert answered == {"$default", "refresh"}


def test_servers_have_an_api_whose_paths_are_the_functions_own(packaged: "Package") -> None:
    """It does its own authorization: a key or a token, and its own answers to wrong paths."""
    (api,) = (
        name
        for name, each in packaged.of_type("AWS::ApiGatewayV2::Api").items()
        if each["ProtocolType"] == "HTTP"
    )
    keys = {route["RouteKey"] for route in routes_of(packaged, api).values()}
    assert keys == {"ANY /v1/{proxy+}", "GET /openapi.json", "GET /docs"}


def test_every_handshake_asks_the_authorizer(packaged: "Package") -> None:
    """It is named on $connect, and no identity source keeps a header or the anonymous out."""
    (authorizer,) = packaged.of_type("AWS::ApiGatewayV2::Authorizer").values()
    assert (authorizer["AuthorizerType"], authorizer["IdentitySource"]) == ("REQUEST", [])
    kinds = {
        route["RouteKey"]: route["AuthorizationType"]
        for route in routes_of(packaged, "WebsocketsApi").values()
    }
    assert kinds.pop("$connect") == "CUSTOM"
    assert set(kinds.values()) == {"NONE"}


def test_the_table_is_on_demand_and_forgets(packaged: "Package") -> None:
    """One table; rows end at `expires_at`."""
    (table,) = packaged.of_type("AWS::DynamoDB::Table").values()
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]


def test_no_function_is_told_whom_to_let_in(packaged: "Package") -> None:
    """AUTH is set by the local environment file alone; without it tokens decide."""
    for function in packaged.of_type("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        assert "AUTH" not in variables
        assert variables["TABLE_NAME"] == {"Ref": "Table"}


def test_who_sends_knows_the_management_api_of_its_own_stage(packaged: "Package") -> None:
    """The AWS SDK reads the endpoint from its standard variable."""
    told = {
        function["FunctionName"]: endpoint
        for function in packaged.of_type("AWS::Lambda::Function").values()
        if (endpoint := function["Environment"]["Variables"].get(MANAGEMENT_ENDPOINT))
    }
    stage = "https://${WebsocketsApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/dev"
    names = ("api", "disconnect", "fanout", "message", "refresh")
    assert told == {f"gatepost-dev-{name}": {"Fn::Sub": stage} for name in names}


def test_only_who_verifies_tokens_is_told_a_secret(packaged: "Package") -> None:
    """The settings of functions/identity/settings.py; empty unless who deploys sets them."""
    settings = {"JWT_SECRET", "JWT_JWKS_URL", "JWT_AUDIENCE", "JWT_ISSUER", "ORIGINS"}
    for function in packaged.of_type("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        name = function["FunctionName"].removeprefix("gatepost-dev-")
        verifies = name in ("api", "authorizer", "refresh")
        assert variables.get("API_KEYS") == ("" if name == "api" else None)
        assert {key for key in settings if variables.get(key) == ""} == (
            settings if verifies else set()
        )


def test_a_function_may_use_the_table_and_write_its_own_log(packaged: "Package") -> None:
    """Nobody has more of either than that, and the framework's own role is not made."""
    roles = packaged.of_type("AWS::IAM::Role")
    roles.pop("ApiGatewayLogRole")
    assert set(roles) == {f"{name.capitalize()}Role" for name in FUNCTIONS}
    for name, role in roles.items():
        log, *more = statements(role)
        assert set(log["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
        own = f"{name.removesuffix('Role')}LogGroup"
        assert log["Resource"] == {"Fn::GetAtt": [own, "Arn"]}
        tables = [set(each["Action"]) for each in more if "dynamodb" in str(each["Action"])]
        assert tables == ([TABLE_ACTIONS[name]] if name in TABLE_ACTIONS else [])
        assert all(
            each["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}
            for each in more
            if "dynamodb" in str(each["Action"])
        )


def test_connections_are_reached_by_few_and_only_those_of_this_api(packaged: "Package") -> None:
    """ManageConnections is limited to this API at this stage, and to what a function does."""
    arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${WebsocketsApi}"
    found = {}
    for name, role in packaged.of_type("AWS::IAM::Role").items():
        for statement in statements(role):
            if "execute-api" in str(statement["Action"]):
                assert statement["Action"] == "execute-api:ManageConnections"
                resource = statement["Resource"]
                found[name] = resource if isinstance(resource, list) else [resource]
    assert found == {
        name: [{"Fn::Sub": f"{arn}/dev/{method}/@connections/*"} for method in methods]
        for name, methods in REACHES_CONNECTIONS.items()
    }


def test_each_function_has_its_role(packaged: "Package") -> None:
    """None is shared."""
    functions = packaged.of_type("AWS::Lambda::Function")
    assert {name: one["Role"]["Fn::GetAtt"][0] for name, one in functions.items()} == {
        f"{name.capitalize()}LambdaFunction": f"{name.capitalize()}Role" for name in FUNCTIONS
    }


def test_only_who_verifies_tokens_is_deployed_with_cryptography(packaged: "Package") -> None:
    """It is the larger part of its archive, which the others do without."""
    functions = packaged.of_type("AWS::Lambda::Function").values()
    archives = {
        one["FunctionName"].removeprefix("gatepost-dev-"): one["Code"]["S3Key"].rpartition("/")[2]
        for one in functions
    }
    verifying = ("api", "authorizer", "refresh")
    assert archives == {
        name: "tokens.zip" if name in verifying else "functions.zip" for name in FUNCTIONS
    }
