"""A serverless.yml, and what `osls package` makes of it, come to the same deployment."""

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from gatepost.gateway.core.deployment import Deployment, DomainMapping
from gatepost.gateway.template.reader import read_template
from tests.infra.conftest import run_osls

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Package

pytestmark = pytest.mark.node

SERVERLESS = """
service: shop
provider:
  name: aws
  runtime: python3.13
  environment: {TABLE: !Ref Table}
functions:
  chat:
    handler: app.chat
    timeout: 20
    memorySize: 512
    environment: {AUTH: !GetAtt AuthLambdaFunction.Arn}
    events:
      - websocket:
          route: $connect
          authorizer: {name: auth, identitySource: [route.request.querystring.token]}
      - websocket: $disconnect
      - websocket: {route: $default, routeResponseSelectionExpression: $default}
      - httpApi: 'GET /items/{id}'
      - http: {path: 'orders/{id}', method: get, cors: true}
  auth: {handler: app.auth}
resources:
  Resources:
    Table:
      Type: AWS::DynamoDB::Table
      Properties:
        TableName: orders
        BillingMode: PAY_PER_REQUEST
        AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
        KeySchema: [{AttributeName: pk, KeyType: HASH}]
"""


def without_ids(deployment: Deployment) -> dict[str, object]:
    """Return what is deployed without the ids of APIs, which a stack's logical ids make."""
    return {
        "apis": [structs.replace(api, api_id="") for api in deployment.apis],
        "http": {api.kind: structs.replace(api, api_id="") for api in deployment.http_apis},
        "functions": deployment.functions,
        "tables": deployment.tables,
        "stage": deployment.stage,
        "root": deployment.root,
    }


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_both_readers_of_a_project_agree(tmp_path: "Path", stage: str) -> None:
    """The framework itself says what its own template means."""
    source = tmp_path / "serverless.yml"
    source.write_text(SERVERLESS, encoding="utf-8")
    (tmp_path / "app.py").touch()
    packaged = run_osls(tmp_path, "--stage", stage).template_path
    assert without_ids(read_template(packaged, stage=None, environ={})) == without_ids(
        read_template(source, stage=stage, environ={})
    )


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_both_readers_of_this_project_agree(
    packaged: "Package", packaged_prod: "Package", stage: str
) -> None:
    """Throttles, authorizer, environment and asynchronous settings among all else.

    The folder's name stands for the stack's; pages are the emulator's own.
    """
    written = {"dev": packaged, "prod": packaged_prod}[stage].template_path
    by_framework = read_template(written, stage=None, environ={})
    by_us = read_template(written.parents[1] / "serverless.yml", stage=stage, environ={})
    found = [with_one_id(each) for each in (by_framework, by_us)]
    assert found[0] == found[1]
    assert by_us.apis[0].throttle is not None


def with_one_id(deployment: Deployment) -> dict[str, object]:
    """Return what is deployed, whatever the id of the WebSocket API in addresses is."""
    (api,) = deployment.apis
    functions = {
        name: structs.replace(
            function,
            environment={
                key: value.replace(api.api_id, "API") for key, value in function.environment.items()
            },
        )
        for name, function in deployment.functions.items()
    }
    return without_ids(structs.replace(deployment, functions=functions))


def test_with_every_option_the_emulator_serves_the_domain_alone(
    packaged_options: "Package",
) -> None:
    """Aliases lead to their functions, the mapping to the stage, and the own address nowhere."""
    read = read_template(packaged_options.template_path, stage=None, environ={})
    (api,) = read.apis
    assert not api.default_endpoint
    assert api.routes["$connect"].function == "gatepost-prod-connect"
    assert read.domains == (DomainMapping("ws.example.com", api.api_id, "prod", "chat"),)
    variables = read.functions["gatepost-prod-message"].environment
    assert variables["FANOUT_FUNCTION"] == "gatepost-prod-fanout:snapstart"
