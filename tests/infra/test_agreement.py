"""The emulator reads a template as the framework does: both give functions the same values."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.serverless import read_serverless

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.infra.conftest import Package

pytestmark = pytest.mark.node

TEMPLATE = r"""
service: agreement
provider:
  name: aws
  runtime: python3.13
  timeout: 7
  environment:
    FROM_PROVIDER: provider
    OVERRIDDEN: provider
    TRUTH: true
    WHOLE_FLOAT: 1.0
    FRACTION: 1.50
    HEXADECIMAL: 0x1F
    LEADING_ZERO: 010
    OCTAL: 0o17
    NOT_TRUTH: yes
    NOT_DATE: 2020-01-01
    EXPONENT: 1e3
    UNDERSCORE: 1_000
    EMPTY: ''
    NUMBER: ${self:custom.number}
    IN_TEXT: "v${self:custom.number}-${self:custom.fraction}-${self:custom.flag}"
    ESCAPED: '\${self:custom.number}'
    ESCAPED_TWICE: "a\\\\${self:custom.number}"
    FOREIGN: '${Name.Attribute} ${name} ${!x}'
    DEFAULT: ${self:custom.nothing, 'default'}
    FALLS_THROUGH: ${opt:none, env:NO_SUCH_VARIABLE, self:custom.list.1, "never"}
    EMPTY_DEFAULT: ${env:NO_SUCH_VARIABLE, ''}
    NUMBER_DEFAULT: ${env:NO_SUCH_VARIABLE, 5}
    STAGE: ${sls:stage}
    REGION: ${aws:region}
    PARAM: ${param:size}
    BOOL: ${strToBool(1)}
    NESTED: ${self:custom.map.${self:custom.key}}
    FILE: ${file(values.yml):a.b}
    JSON: ${file(./values.json):a}
    CHAIN: ${self:custom.chain}
    MERGED: ${self:custom.merged.one}${self:custom.merged.two}
custom:
  number: 5
  flag: false
  fraction: 2.50
  list: [a, b]
  key: deep
  map: {deep: found}
  chain: ${self:custom.link}!
  link: ${file(values.yml):linked}
  anchor: &anchor {one: 1, two: 2}
  merged:
    <<: *anchor
    two: 3
params:
  default: {size: small}
  dev: {size: medium}
functions:
  first-one:
    handler: app.first
    memorySize: 256
    environment:
      OVERRIDDEN: function
    events:
      - websocket: $connect
      - websocket: {route: ask, routeResponseSelectionExpression: $default}
  second_one:
    name: named
    handler: app.second
    events:
      - websocket: {route: $default}
"""
FILES = {
    "app.py": "def first(event, context): ...\n",
    "values.yml": "a: {b: from yaml}\nlinked: ${self:custom.number}${sls:stage}\n",
    "values.json": '{"a": "from json"}',
    "serverless.yml": TEMPLATE,
}


def test_the_emulator_and_the_framework_agree_on_functions_and_routes(
    tmp_path: Path, package: "Callable[[Path], Package]"
) -> None:
    """Names, limits, routes and every kind of value in an environment."""
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    packaged = package(tmp_path)
    read = read_serverless(tmp_path / "serverless.yml", stage=None, environ={})
    deployed = {
        properties["FunctionName"]: properties
        for properties in packaged.of_type("AWS::Lambda::Function").values()
    }
    assert set(read.functions) == set(deployed)
    for name, function in read.functions.items():
        properties = deployed[name]
        assert function.environment == properties["Environment"]["Variables"]
        assert function.handler == properties["Handler"]
        assert function.timeout_s == properties["Timeout"]
        assert function.memory_mb == properties["MemorySize"]
    (api,) = packaged.of_type("AWS::ApiGatewayV2::Api").values()
    assert read.apis[0].name == api["Name"]
    assert {(route.key, route.two_way) for route in read.apis[0].routes.values()} == {
        (route["RouteKey"], "RouteResponseSelectionExpression" in route)
        for route in packaged.of_type("AWS::ApiGatewayV2::Route").values()
    }
