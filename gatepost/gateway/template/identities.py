"""What Ref and GetAtt give for each kind of resource that something stands for here.

Responsible for names, ids and ARNs. They are worked out when somebody asks, for a name may be made
of another's. An id that AWS would make up is the logical id.

Source: the CloudFormation reference of each resource's return values.
"""

import hashlib
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.intrinsics import Known
from gatepost.gateway.template.variables import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.gateway.template.part import Resource

FUNCTIONS: Final = ("AWS::Lambda::Function", "AWS::Serverless::Function")
TABLES: Final = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
API: Final = "AWS::ApiGatewayV2::Api"

_API_ID_CHARACTERS: Final = string.digits + string.ascii_lowercase
_API_ID_LENGTH: Final = 10
_V2_IDS: Final = {
    f"AWS::ApiGatewayV2::{part}": f"{part}Id"
    for part in ("Authorizer", "Deployment", "Integration", "IntegrationResponse", "Model", "Route")
}
_IDS: Final = {
    **_V2_IDS,
    "AWS::ApiGatewayV2::ApiMapping": "ApiMappingId",
    "AWS::ApiGatewayV2::RouteResponse": "RouteResponseId",
    "AWS::ApiGateway::ApiKey": "APIKeyId",
    "AWS::ApiGateway::UsagePlan": "Id",
    "AWS::ApiGateway::Deployment": "DeploymentId",
    "AWS::ApiGateway::Resource": "ResourceId",
}


@dataclass(slots=True)
class Identities(Mapping[str, Known]):
    """What is known about each resource of a stack, by logical id; `given` is known beforehand."""

    resources: "Mapping[str, Resource]"
    stack: str
    region: str
    given: Mapping[str, Known] = field(default_factory=dict)
    _found: dict[str, Known | None] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        """Whether something stands for the resource here. Works nothing out."""
        return name in self.given or (
            name in self.resources and self.resources[str(name)].kind in _KINDS
        )

    def __getitem__(self, name: str) -> Known:
        """Return what is known; raises TemplateError where two names are made of each other."""
        if name in self.given:
            return self.given[name]
        resource = self.resources[name]
        if name not in self._found:
            self._found[name] = None
            self._found[name] = _KINDS[resource.kind](resource, self)
        known = self._found[name]
        if known is None:
            raise resource.error("has a name that depends on itself")
        return known

    def __iter__(self) -> Iterator[str]:
        """Iterate over the logical ids of what is known."""
        return (name for name in {**self.given, **self.resources} if name in self)

    def __len__(self) -> int:
        """Count what is known."""
        return sum(1 for _ in self)

    def arn(self, service: str, name: str) -> str:
        """Return the ARN of something in this account and region."""
        return f"arn:aws:{service}:{self.region}:{ACCOUNT_ID}:{name}"


def make_api_id(service: str, stage: str, name: str) -> str:
    """Return the id of an API: the same for the same API, 10 characters of `a-z0-9` (B-005)."""
    digest = hashlib.sha256(f"{service}/{stage}/{name}".encode()).digest()
    return "".join(
        _API_ID_CHARACTERS[byte % len(_API_ID_CHARACTERS)] for byte in digest[:_API_ID_LENGTH]
    )


def _function(resource: "Resource", stack: Identities) -> Known:
    name = resource.text("FunctionName") or f"{stack.stack}-{resource.logical_id}"
    return Known(name, {"Arn": stack.arn("lambda", f"function:{name}")})


def _version(resource: "Resource", stack: Identities) -> Known:
    arn = _function_arn(resource, stack)
    return Known(f"{arn}:1", {"Version": "1", "FunctionArn": f"{arn}:1"})


def _alias(resource: "Resource", stack: Identities) -> Known:
    arn = f"{_function_arn(resource, stack)}:{resource.require_text('Name')}"
    return Known(arn, {"AliasArn": arn})


def _function_arn(resource: "Resource", stack: Identities) -> str:
    """Return the ARN of the function that is named by name or ARN."""
    name = resource.require_text("FunctionName")
    return name if name.startswith("arn:") else stack.arn("lambda", f"function:{name}")


def _table(resource: "Resource", stack: Identities) -> Known:
    name = resource.text("TableName") or f"{stack.stack}-{resource.logical_id}"
    return Known(name, {"Arn": stack.arn("dynamodb", f"table/{name}")})


def _api(resource: "Resource", stack: Identities) -> Known:
    api_id = make_api_id(stack.stack, "", resource.logical_id)
    scheme = "wss" if resource.text("ProtocolType") == "WEBSOCKET" else "https"
    endpoint = f"{scheme}://{api_id}.execute-api.{stack.region}.amazonaws.com"
    # RootResourceId is a REST API's.
    attributes = {"ApiId": api_id, "ApiEndpoint": endpoint, "RestApiId": api_id}
    return Known(api_id, {**attributes, "RootResourceId": "root"})


def _stage(resource: "Resource", _stack: Identities) -> Known:
    return Known(resource.require_text("StageName"))


def _domain(resource: "Resource", _stack: Identities) -> Known:
    name = resource.require_text("DomainName")
    attributes = {"RegionalDomainName": name, "RegionalHostedZoneId": "ZONE", "DomainName": name}
    return Known(name, attributes)


def _by_logical_id(resource: "Resource", _stack: Identities) -> Known:
    return Known(resource.logical_id, {_IDS[resource.kind]: resource.logical_id})


_KINDS: "Final[Mapping[str, Callable[[Resource, Identities], Known]]]" = {
    **dict.fromkeys(FUNCTIONS, _function),
    **dict.fromkeys(TABLES, _table),
    **dict.fromkeys(_IDS, _by_logical_id),
    "AWS::Lambda::Version": _version,
    "AWS::Lambda::Alias": _alias,
    API: _api,
    "AWS::ApiGatewayV2::Stage": _stage,
    "AWS::ApiGatewayV2::DomainName": _domain,
}
