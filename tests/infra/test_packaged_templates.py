"""A serverless.yml, and what `osls package` makes of it, come to the same deployment."""

from pathlib import Path

import pytest
from msgspec import structs

from gatepost.gateway.core.deployment import Deployment
from gatepost.gateway.template.reader import read_template
from tests.infra.conftest import run_osls

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
def test_both_readers_of_a_project_agree(tmp_path: Path, stage: str) -> None:
    """The framework itself says what its own template means."""
    source = tmp_path / "serverless.yml"
    source.write_text(SERVERLESS, encoding="utf-8")
    (tmp_path / "app.py").touch()
    packaged = run_osls(tmp_path, "--stage", stage).template_path
    assert without_ids(read_template(packaged, stage=None, environ={})) == without_ids(
        read_template(source, stage=stage, environ={})
    )
