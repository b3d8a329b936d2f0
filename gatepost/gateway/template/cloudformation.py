"""Reads a CloudFormation or SAM template, YAML or JSON, into a Deployment.

Responsible for the order of things and for what belongs to the stack as a whole. Templates come as
people write them and as `osls package`, `sam build` and `cdk synth` do.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import Deployment, WebSocketApi
from gatepost.gateway.template.code_location import project_of
from gatepost.gateway.template.errors import HTTP_ALONE, Place
from gatepost.gateway.template.identities import API, TABLES
from gatepost.gateway.template.kinds import is_cloudformation
from gatepost.gateway.template.part import written
from gatepost.gateway.template.routed import behind_routes
from gatepost.gateway.template.stack import Stack, read_stack
from gatepost.gateway.template.stack_functions import read_functions
from gatepost.gateway.template.stack_http import read_http_apis
from gatepost.gateway.template.stack_websockets import read_domains, read_websocket_apis
from gatepost.gateway.template.tables import read_table
from gatepost.gateway.template.values import NO_VALUES, Values
from gatepost.gateway.template.variables import ACCOUNT_ID, DEFAULT_REGION, Variables
from gatepost.gateway.template.view import View
from gatepost.gateway.template.yaml_source import Node, read_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from gatepost.gateway.core.deployment import Table
    from gatepost.gateway.template.part import Resource

_CDK_SUFFIX: Final = ".template"
_SERVERLESS_FOLDERS: Final = (".serverless", ".osls")
_SERVERLESS_STATE: Final = "serverless-state.json"
_SILENT: Final = (
    *TABLES,
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::ApiKey",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Resource",
    "AWS::ApiGateway::UsagePlan",
    "AWS::ApiGatewayV2::",
    "AWS::CDK::",
    "AWS::CertificateManager::",
    "AWS::CloudWatch::",
    "AWS::IAM::",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Logs::",
    "AWS::Route53::",
    "AWS::Serverless::Connector",
    "AWS::Serverless::Function",
)
"""Types that either do their work here or make no difference to it."""


class _Unresolved(Variables):
    """CloudFormation's texts have no variables of the framework's: `${x}` stays as it is."""

    def resolve(self, node: Node) -> Node:
        """Return the node itself."""
        return node


def read_cloudformation(
    path: Path,
    *,
    stage: str | None,
    environ: "Mapping[str, str]",
    values: Values = NO_VALUES,
    overridden: "Collection[str]" = (),
) -> Deployment:
    """Read the template at `path`; `stage` picks the first of several.

    Environment variables of `overridden` are set from outside: their values aren't asked for.

    Raises TemplateError, with file and line, for whatever can't be read or run.
    """
    root = read_file(path, str(path))
    if not is_cloudformation(root):
        raise Place(str(path)).error("is no CloudFormation template: it has no Resources")
    folder = path.parent.absolute()
    template = View(root, "", _Unresolved(root, folder, {}, environ))
    template.require("Resources")
    stack = read_stack(
        template,
        name=_stack_name(path),
        region=_packaged_region(folder)
        or environ.get("AWS_REGION")
        or environ.get("AWS_DEFAULT_REGION")
        or DEFAULT_REGION,
        folder=folder,
        values=values,
        overridden=overridden,
    )
    return _deployment(template, stack, stage)


def _packaged_region(folder: Path) -> str | None:
    """Return the region that `osls package` packaged for; None for templates of others."""
    state = folder / _SERVERLESS_STATE
    if folder.name not in _SERVERLESS_FOLDERS or not state.is_file():
        return None
    node = read_file(state, str(state))
    for key in ("service", "provider", "region"):
        if not isinstance(node.value, dict) or key not in node.value:
            return None
        node = node.value[key]
    return node.value if isinstance(node.value, str) else None


def _stack_name(path: Path) -> str:
    """Return the CDK's name of the stack, else the name of the project's folder."""
    path = path.absolute()
    if path.stem.endswith(_CDK_SUFFIX):
        return path.stem.removesuffix(_CDK_SUFFIX)
    return project_of(path.parent).name or "stack"


def _deployment(template: View, stack: Stack, stage: str | None) -> Deployment:
    names = stack.functions()
    apis = _first_at(stage, read_websocket_apis(stack, names), template)
    if not apis:
        raise template.require("Resources").error(
            "have no WebSocket API, neither an AWS::ApiGatewayV2::Api of ProtocolType WEBSOCKET "
            f"nor an AWS::Serverless::WebSocketApi: {HTTP_ALONE}"
        )
    http_apis = read_http_apis(stack, names)
    functions = read_functions(stack, behind_routes((*apis, *http_apis)))
    return Deployment(
        service=stack.name,
        stage=apis[0].stage,
        region=stack.region,
        account_id=ACCOUNT_ID,
        root=project_of(stack.folder),
        apis=apis,
        functions=functions,
        tables=tuple(_tables(stack)),
        http_apis=http_apis,
        domains=read_domains(stack, {(api.api_id, api.stage) for api in apis}),
        notices=(
            *dict.fromkeys([*stack.notices, *_of_other_apis(stack)]),
            *stack.environments.uses.notices(),
            *_not_emulated(stack),
        ),
    )


def _first_at(
    stage: str | None, apis: tuple[WebSocketApi, ...], template: View
) -> tuple[WebSocketApi, ...]:
    """Put the APIs of the stage that was asked for first."""
    stages = [api.stage for api in apis]
    if stage is not None and stages and stage not in stages:
        raise Place("--stage").error(
            f"{stage!r} is no stage of {template.place.file}, which has {', '.join(stages)}; "
            "what its parameters decide is given by --values"
        )
    return tuple(sorted(apis, key=lambda api: stage is not None and api.stage != stage))


def _tables(stack: Stack) -> "Iterator[Table]":
    for resource in stack.of_kind(*TABLES):
        yield read_table(
            resource.logical_id,
            _as_table(resource),
            name=stack.ref(resource.logical_id),
            intrinsics=stack.intrinsics,
        )


def _as_table(resource: "Resource") -> View:
    """Return the resource as tables.py reads one; a global table is one in this region alone."""
    properties = {name: view.node for name, view in resource.properties.items()}
    if resource.kind == "AWS::DynamoDB::GlobalTable":
        properties["BillingMode"] = written("PAY_PER_REQUEST", resource.view, "").node
    members = Node({"Properties": Node(properties, resource.place)}, resource.place)
    return View(members, resource.view.path, resource.view.variables)


def _of_other_apis(stack: Stack) -> "Iterator[str]":
    """Say which routes and stages belong to an API that this template doesn't make."""
    own = {stack.ref(api.logical_id) for api in stack.of_kind(API)}
    for part in stack.of_kind("AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage"):
        if (api_id := part.require_text("ApiId")) not in own:
            yield f"{part.place}: {part.logical_id} belongs to API {api_id}, not of this template"


def _not_emulated(stack: Stack) -> "Iterator[str]":
    """Say in one sentence which resources have no stand-in here."""
    idle = [
        f"{resource.logical_id} ({resource.kind})"
        for resource in stack.resources.values()
        if not resource.kind.startswith(_SILENT)
        or resource.kind == "AWS::ApiGatewayV2::ApiGatewayManagedOverrides"
    ]
    if idle:
        yield f"not emulated: {', '.join(idle)}"
