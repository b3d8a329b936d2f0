"""Projects on disk for the tests of the template reader."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent, indent
from typing import Protocol

import pytest

from gatepost.gateway.core.deployment import Deployment
from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.reader import read_template
from gatepost.gateway.template.serverless import read_serverless
from gatepost.gateway.template.values import NO_VALUES, Values
from tests.gatepost.gateway.template.terraform_project import TerraformProject

BARE = """
service: shop
provider:
  name: aws
  runtime: python3.13
"""
HELLO = """
functions:
  hello:
    handler: app.hello
    events:
      - websocket: $connect
"""


class Read(Protocol):
    """What the fixture `read` gives."""

    def __call__(
        self,
        template: str,
        *,
        files: Mapping[str, str] = ...,
        stage: str | None = None,
        options: Mapping[str, str] = ...,
        environ: Mapping[str, str] = ...,
        values: Values = ...,
    ) -> Deployment:
        """Write the template and the files beside it, and read it."""
        ...


class Refusal(Protocol):
    """What the fixture `refusal` gives."""

    def __call__(self, template: str, *, files: Mapping[str, str] = ...) -> str:
        """Return the error's text; the template's path in it is relative to the project."""
        ...


class Environment(Protocol):
    """What the fixture `environment` gives."""

    def __call__(self, lines: str, *, rest: str = "") -> dict[str, str]:
        """Read a small project whose provider has these environment variables."""
        ...


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a project that is written out for the test."""

    def reader(
        template: str,
        *,
        files: Mapping[str, str] = {},
        stage: str | None = None,
        options: Mapping[str, str] = {},
        environ: Mapping[str, str] = {},
        values: Values = NO_VALUES,
    ) -> Deployment:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(dedent(content).lstrip("\n"), encoding="utf-8")
        path = tmp_path / "serverless.yml"
        path.write_text(dedent(template).lstrip("\n"), encoding="utf-8")
        return read_serverless(
            path,
            stage=stage,
            options=options,
            environ=environ,
            values=values,
        )

    return reader


@pytest.fixture
def refusal(read: Read, tmp_path: Path) -> Refusal:
    """Read a project that can't be read."""

    def refused(template: str, *, files: Mapping[str, str] = {}) -> str:
        with pytest.raises(TemplateError) as caught:
            read(template, files=files)
        return str(caught.value).removeprefix(f"{tmp_path}/")

    return refused


@pytest.fixture
def environment(read: Read) -> Environment:
    """Return the environment of the function of a small project."""

    def variables(lines: str, *, rest: str = "") -> dict[str, str]:
        indented = "\n".join(f"    {line}" for line in dedent(lines).strip().splitlines())
        template = f"{BARE}  environment:\n{indented}\n{HELLO}{dedent(rest)}"
        return read(template).functions["shop-dev-hello"].environment

    return variables


@pytest.fixture
def bare_plan(tmp_path: Path) -> TerraformProject:
    """Return a plan without resources."""
    return TerraformProject(tmp_path)


@pytest.fixture
def plan(bare_plan: TerraformProject) -> TerraformProject:
    """Return a plan with one whole API."""
    bare_plan.add_whole_api()
    return bare_plan


CHAT_STACK = """
AWSTemplateFormatVersion: '2010-09-09'
{sections}
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties:
      {{Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}}
  Stage: {{Type: AWS::ApiGatewayV2::Stage, Properties: {{ApiId: !Ref Api, StageName: live}}}}
  Hello:
    Type: AWS::Lambda::Function
    Properties: {{Code: src, Handler: app.hello, Runtime: python3.13{function}}}
  ToHello:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {{ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: !Sub '{uri}'}}
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      {{ApiId: !Ref Api, RouteKey: $connect, Target: !Sub 'integrations/${{ToHello}}'{connect}}}
"""
URI = (
    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
    "${Hello.Arn}/invocations"
)


class ReadStack(Protocol):
    """What the fixture `read_stack` gives."""

    def __call__(  # noqa: PLR0913 - one for each place that tests write into
        self,
        resources: str = "",
        *,
        sections: str = "",
        function: str = "",
        connect: str = "",
        template: str | None = None,
        values: Values = ...,
        stage: str | None = None,
    ) -> Deployment:
        """Read a small WebSocket stack with these additions, or a template of the test's own."""
        ...


class StackRefusal(Protocol):
    """What the fixture `stack_refusal` gives."""

    def __call__(self, resources: str = "", **additions: str) -> str:
        """Return the error's text; the template's path in it is relative to the project."""
        ...


@pytest.fixture
def read_stack(tmp_path: Path) -> ReadStack:
    """Read a CloudFormation or SAM template that is written out for the test."""

    def reader(  # noqa: PLR0913 - as above
        resources: str = "",
        *,
        sections: str = "",
        function: str = "",
        connect: str = "",
        template: str | None = None,
        values: Values = NO_VALUES,
        stage: str | None = None,
    ) -> Deployment:
        (tmp_path / "src").mkdir(exist_ok=True)
        text = CHAT_STACK.format(
            sections=dedent(sections), function=function, connect=connect, uri=URI
        )
        text += indent(dedent(resources), "  ")
        path = tmp_path / "template.yaml"
        path.write_text((text if template is None else dedent(template)).lstrip(), "utf-8")
        return read_template(path, stage=stage, environ={}, values=values)

    return reader


@pytest.fixture
def stack_refusal(read_stack: ReadStack, tmp_path: Path) -> StackRefusal:
    """Read a stack that can't be read."""

    def refused(resources: str = "", **additions: str) -> str:
        with pytest.raises(TemplateError) as caught:
            read_stack(resources, **additions)  # type: ignore[arg-type] # all are texts
        return str(caught.value).removeprefix(f"{tmp_path}/")

    return refused
