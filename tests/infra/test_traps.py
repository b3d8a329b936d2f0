"""Every trap of a deployment that the facts on AWS tell of is avoided by what is packaged.

Facts of the sections on addresses, authorization, throttling, logs and custom domains that a
deployment decides. Others of those sections are the service's alone (B-021, B-074 to B-085 ...).
"""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.conftest import OPTIONS, copy_of_project, run_osls, run_with_params

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Package

pytestmark = pytest.mark.node

ENDPOINT = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"
ACCOUNT_RATE, ACCOUNT_BURST = 10_000, 5_000  # B-310
NEWER_REGION_RATE, NEWER_REGION_BURST = 2_500, 1_250  # the same
CONNECTS_A_SECOND = 500  # "New connections per second per account", AWS's page of quotas


def socket_stage(packaged: "Package") -> dict[str, Any]:
    """Return the properties of the WebSocket API's stage."""
    properties: dict[str, Any] = packaged.resources["WebsocketsDeploymentStage"]["Properties"]
    return properties


def deployment_id(packaged: "Package") -> str:
    """Return the logical id of the deployment that the stage is at."""
    return str(socket_stage(packaged)["DeploymentId"]["Ref"])


def socket_routes(packaged: "Package") -> dict[str, dict[str, Any]]:
    """Return the routes of the WebSocket API by key."""
    return {
        route["RouteKey"]: route
        for route in packaged.of_type("AWS::ApiGatewayV2::Route").values()
        if route["ApiId"] == {"Ref": "WebsocketsApi"}
    }


def endpoints(packaged: "Package") -> list[Any]:
    """Return where each function that reaches connections is told to."""
    return [
        variables[ENDPOINT]
        for function in packaged.of_type("AWS::Lambda::Function").values()
        if ENDPOINT in (variables := function["Environment"]["Variables"])
    ]


def as_sub(value: dict[str, Any]) -> str:
    """Return a text that is put together by Fn::Join as Fn::Sub would have it."""
    if "Fn::Sub" in value:
        return str(value["Fn::Sub"])
    separator, parts = value["Fn::Join"]
    named = (each if isinstance(each, str) else f"${{{each['Ref']}}}" for each in parts)
    return str(separator).join(named)


# Addresses


def test_the_stage_is_in_both_addresses_of_its_own(packaged_prod: "Package") -> None:
    """B-020, B-021: for clients, and for functions that reach connections."""
    host = "${WebsocketsApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/prod"
    assert packaged_prod.template["Outputs"]["SocketUrl"]["Value"] == {"Fn::Sub": f"wss://{host}"}
    assert endpoints(packaged_prod) == [{"Fn::Sub": f"https://{host}"}] * 5


def test_a_change_of_routes_or_of_the_authorizer_is_a_new_deployment(
    packaged: "Package", tmp_path: "Path"
) -> None:
    """B-030: else a stale one answers Forbidden, or lets everybody in."""
    folder = copy_of_project(tmp_path / "routes")
    path = folder / "serverless.yml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "websocket: signal" not in line))
    fewer = run_osls(folder, "--stage", "dev")
    assert socket_routes(packaged).keys() - socket_routes(fewer).keys() == {"signal"}
    folder = copy_of_project(tmp_path / "authorizer")
    path = folder / "serverless.yml"
    text = path.read_text(encoding="utf-8")
    named = text.replace("identitySource: []\n", "identitySource: [route.request.header.X]\n")
    assert named != text
    path.write_text(named, encoding="utf-8")
    stricter = run_osls(folder, "--stage", "dev")
    assert len({deployment_id(each) for each in (packaged, fewer, stricter)}) == 3


def test_limits_of_the_stage_are_no_new_deployment(packaged: "Package", tmp_path: "Path") -> None:
    """B-030: they count at once, and the routes are left alone."""
    slower = run_with_params(tmp_path, "dev", {"throttleRate": "20"})
    assert float(socket_stage(slower)["DefaultRouteSettings"]["ThrottlingRateLimit"]) == 20
    assert deployment_id(slower) == deployment_id(packaged)


def test_a_deployment_waits_for_all_routes_and_route_responses(any_package: "Package") -> None:
    """B-030: one that is made before a route does not serve it."""
    waits = set(any_package.resources[deployment_id(any_package)]["DependsOn"])
    parts = {
        name
        for kind in ("Route", "RouteResponse")
        for name, part in any_package.of_type(f"AWS::ApiGatewayV2::{kind}").items()
        if part["ApiId"] == {"Ref": "WebsocketsApi"}
    }
    assert waits == parts


def test_pages_that_may_connect_can_be_named(any_package: "Package") -> None:
    """B-029: the service checks no Origin; the authorizer does, if told which."""
    authorizer = any_package.resources["AuthorizerLambdaFunction"]["Properties"]
    assert "ORIGINS" in authorizer["Environment"]["Variables"]


# Authorization


def test_connect_alone_has_an_authorizer_and_it_is_of_the_only_kind(
    any_package: "Package",
) -> None:
    """B-070, B-071: REQUEST, and nothing that HTTP APIs alone have."""
    kinds = {
        key: (route["AuthorizationType"], route.get("AuthorizerId"))
        for key, route in socket_routes(any_package).items()
    }
    ((name, authorizer),) = any_package.of_type("AWS::ApiGatewayV2::Authorizer").items()
    assert kinds.pop("$connect") == ("CUSTOM", {"Ref": name})
    assert set(kinds.values()) == {("NONE", None)}
    assert authorizer["AuthorizerType"] == "REQUEST"
    assert not authorizer.keys() & {
        "AuthorizerResultTtlInSeconds",
        "AuthorizerPayloadFormatVersion",
        "EnableSimpleResponses",
    }


def test_no_identity_source_is_a_header_that_browsers_cannot_send(any_package: "Package") -> None:
    """B-072, B-073: the framework's default is one; every browser would get 401."""
    (authorizer,) = any_package.of_type("AWS::ApiGatewayV2::Authorizer").values()
    assert authorizer["IdentitySource"] == []


@pytest.mark.parametrize("name", ["AuthorizerLambdaFunction", "ConnectLambdaFunction"])
def test_a_handshake_s_functions_end_before_the_gateway_gives_up(
    any_package: "Package", name: str
) -> None:
    """B-087: 29 s; so do the others, but for the worker that no route leads to."""
    assert any_package.resources[name]["Properties"]["Timeout"] <= 29


def test_each_function_is_called_by_its_api_alone(any_package: "Package") -> None:
    """The framework lets any API of any account call what the socket's routes lead to."""
    start = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
    permissions = any_package.of_type("AWS::Lambda::Permission")
    assert len(permissions) == len(any_package.of_type("AWS::Lambda::Function")) - 1  # fanout
    for name, permission in permissions.items():
        api = "HttpApi" if name.endswith("HttpApi") else "WebsocketsApi"
        assert as_sub(permission["SourceArn"]) == f"{start}${{{api}}}/*"
        assert permission["Principal"] == "apigateway.amazonaws.com"


# Throttling


def test_every_throttle_is_above_nothing_and_leaves_the_account_some(
    any_package: "Package",
) -> None:
    """B-310, B-311, B-315: of a stage and of each route both limits are given, and none is 0."""
    http = any_package.resources["HttpApiStage"]["Properties"]["DefaultRouteSettings"]
    stage = socket_stage(any_package)
    settings = [http, stage["DefaultRouteSettings"], *stage["RouteSettings"].values()]
    for each in settings:
        assert 0 < each["ThrottlingRateLimit"] <= ACCOUNT_RATE / 2
        assert 0 < each["ThrottlingBurstLimit"] <= ACCOUNT_BURST / 2
    assert stage["RouteSettings"].keys() <= socket_routes(any_package).keys()
    assert stage["RouteSettings"]["$connect"]["ThrottlingRateLimit"] < CONNECTS_A_SECOND


def test_the_limits_are_within_the_account_s_in_every_region(any_package: "Package") -> None:
    """B-310, B-311: both APIs share one bucket, which is a quarter as large in newer Regions."""
    http = any_package.resources["HttpApiStage"]["Properties"]["DefaultRouteSettings"]
    both = (http, socket_stage(any_package)["DefaultRouteSettings"])
    assert sum(each["ThrottlingRateLimit"] for each in both) <= NEWER_REGION_RATE
    assert sum(each["ThrottlingBurstLimit"] for each in both) <= NEWER_REGION_BURST


def test_the_broadcasts_leave_the_account_some_too(any_package: "Package") -> None:
    """B-310: what is posted to connections counts against the same bucket."""
    variables = any_package.resources["FanoutLambdaFunction"]["Properties"]["Environment"]
    assert float(variables["Variables"]["FANOUT_SHARE"]) < 1


# Logs


def test_nothing_logs_payloads(any_package: "Package") -> None:
    """B-324: the framework's default is both; messages and tokens would be in the logs."""
    stage = socket_stage(any_package)
    for each in (stage["DefaultRouteSettings"], *stage["RouteSettings"].values()):
        assert (each["LoggingLevel"], each["DataTraceEnabled"]) == ("OFF", False)


def test_the_access_log_is_json_with_the_request_and_without_the_query(
    any_package: "Package",
) -> None:
    """B-322: it must have the request's id, be within 3 KB, and tokens come in the query string."""
    form = socket_stage(any_package)["AccessLogSettings"]["Format"]
    logged = json.loads(form)
    assert logged["requestId"] == "$context.requestId"
    assert len(form.encode()) <= 3 * 1024
    assert "\n" not in form
    for word in ("query", "header", "path", "authorizer.", "identity.", "protocol", "$input"):
        assert word not in form
    assert {"connectionId", "routeKey", "status", "integration.status"} <= logged.keys()
    assert logged["integration.integrationStatus"] == "$context.integration.integrationStatus"


def test_every_log_is_made_here_and_ends(any_package: "Package") -> None:
    """Who logs without a group makes one that is kept for ever."""
    groups = any_package.of_type("AWS::Logs::LogGroup")
    names = {group["LogGroupName"] for group in groups.values()}
    functions = any_package.of_type("AWS::Lambda::Function").values()
    assert {f"/aws/lambda/{function['FunctionName']}" for function in functions} <= names
    assert {group["RetentionInDays"] for group in groups.values()} == {30}
    assert {json.dumps(function["LoggingConfig"]) for function in functions} == {
        '{"LogFormat": "JSON"}'
    }


def test_the_account_s_role_for_logs_is_there_before_the_stage_and_outlives_it(
    packaged: "Package", packaged_options: "Package"
) -> None:
    """B-324: without it no stage can be made; with it gone other stages' logs would end."""
    account = packaged.resources["ApiGatewayAccount"]
    assert account["Type"] == "AWS::ApiGateway::Account"
    role = packaged.resources["ApiGatewayLogRole"]
    for each in (account, role):
        assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert "ApiGatewayAccount" in packaged.resources["WebsocketsDeploymentStage"]["DependsOn"]
    assert OPTIONS["accountLogRole"] == "none"
    assert "ApiGatewayAccount" not in json.dumps(packaged_options.resources)
    assert "ApiGatewayLogRole" not in packaged_options.resources


def test_the_framework_makes_no_function_that_may_make_roles(any_package: "Package") -> None:
    """Its own way to that role is a function with iam:CreateRole on every role of the account."""
    kinds = {resource["Type"] for resource in any_package.resources.values()}
    assert not [kind for kind in kinds if kind.startswith("Custom::")]
    assert '"iam:' not in json.dumps(any_package.resources)


def test_metrics_of_each_route_are_billed_only_on_request(
    packaged: "Package", packaged_options: "Package"
) -> None:
    """B-321: their dimensions are only there with detailed metrics."""
    for package, wanted in ((packaged, "false"), (packaged_options, "true")):
        stage = socket_stage(package)
        for each in (stage["DefaultRouteSettings"], *stage["RouteSettings"].values()):
            assert str(each["DetailedMetricsEnabled"]).lower() == wanted


# Custom domains


def test_a_domain_maps_the_socket_s_stage_and_no_other_api(packaged_options: "Package") -> None:
    """B-325, B-328: HTTP APIs can't be at a domain of WebSocket APIs."""
    (mapping,) = packaged_options.of_type("AWS::ApiGatewayV2::ApiMapping").values()
    assert mapping == {
        "ApiId": {"Ref": "WebsocketsApi"},
        "DomainName": {"Ref": "SocketDomain"},
        "Stage": {"Ref": "WebsocketsDeploymentStage"},
        "ApiMappingKey": "chat",
    }


def test_a_domain_speaks_no_old_tls_and_has_records_of_both_kinds(
    packaged_options: "Package",
) -> None:
    """B-027; and whoever has IPv6 alone finds it."""
    (domain,) = packaged_options.of_type("AWS::ApiGatewayV2::DomainName").values()
    (configuration,) = domain["DomainNameConfigurations"]
    assert (configuration["SecurityPolicy"], configuration["EndpointType"]) == (
        "TLS_1_2",
        "REGIONAL",
    )
    records = packaged_options.of_type("AWS::Route53::RecordSet").values()
    assert {record["Type"] for record in records} == {"A", "AAAA"}
    assert {record["Name"] for record in records} == {domain["DomainName"]}


@pytest.mark.parametrize(
    ("key", "address"), [("chat", "ws.example.com/chat"), (None, "ws.example.com/")]
)
def test_where_the_own_address_is_off_callbacks_go_by_the_domain(
    tmp_path: "Path", key: str | None, address: str
) -> None:
    """B-326, B-327: the stage is not in that path, the mapping's key is."""
    params = {name: OPTIONS[name] for name in ("domainName", "domainCertificateArn")}
    params |= {"domain": "only"} | ({} if key is None else {"domainMappingKey": key})
    package = run_with_params(tmp_path, "dev", params)
    assert package.resources["WebsocketsApi"]["Properties"]["DisableExecuteApiEndpoint"] is True
    assert set(endpoints(package)) == {f"https://{address}"}
    assert package.template["Outputs"]["SocketUrl"]["Value"] == f"wss://{address}"


def test_a_domain_beside_the_own_address_leaves_callbacks_as_they_are(
    packaged: "Package", tmp_path: "Path"
) -> None:
    """B-326, B-329: functions call the API's own host, whatever is in front of the domain."""
    params = {name: OPTIONS[name] for name in ("domainName", "domainCertificateArn")}
    package = run_with_params(tmp_path, "dev", {**params, "domain": "added"})
    assert endpoints(package) == endpoints(packaged)
    assert "DisableExecuteApiEndpoint" not in package.resources["WebsocketsApi"]["Properties"]
    assert package.template["Outputs"]["SocketUrl"]["Value"] == "wss://ws.example.com/"


def test_switching_the_own_address_off_is_a_new_deployment(tmp_path: "Path") -> None:
    """B-327: without one it goes on being served; the switch itself is no reason for one."""
    params = {name: OPTIONS[name] for name in ("domainName", "domainCertificateArn")}
    added, only = (
        run_with_params(tmp_path / domain, "dev", {**params, "domain": domain})
        for domain in ("added", "only")
    )
    assert deployment_id(added) != deployment_id(only)
