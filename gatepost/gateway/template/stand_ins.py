"""Well-formed values in environment variables for resources that are not emulated.

Responsible for what Ref and GetAtt would give for a queue, a bucket, a topic ... in form alone, and
for telling which variables hold such values. Nothing but an environment gets them: a function that
never uses its queue here runs without it.

Source: the CloudFormation reference of each resource's return values.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.intrinsics import Intrinsics, Known
from gatepost.gateway.template.variables import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.gateway.template.view import View

    Property = Callable[[str, str], View | None]

_SERVICES: Final = {
    "cognito": "cognito-idp",
    "kinesisfirehose": "firehose",
    "opensearchservice": "es",
    "serverless": "states",
    "stepfunctions": "states",
}
"""Services whose name in ARNs is not that in types of resources."""

_ARN: Final = "arn:aws:{service}:{region}:{account}:"
_ARNS: Final = {
    "AWS::Cognito::UserPool": _ARN + "userpool/{region}_{id}",
    "AWS::DynamoDB::Table": _ARN + "table/{name}",
    "AWS::ECS::Cluster": _ARN + "cluster/{name}",
    "AWS::Events::EventBus": _ARN + "event-bus/{name}",
    "AWS::Events::Rule": _ARN + "rule/{name}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::{account}:policy/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::IAM::User": "arn:aws:iam::{account}:user/{name}",
    "AWS::KMS::Key": _ARN + "key/{uuid}",
    "AWS::Kinesis::Stream": _ARN + "stream/{name}",
    "AWS::KinesisFirehose::DeliveryStream": _ARN + "deliverystream/{name}",
    "AWS::Lambda::LayerVersion": _ARN + "layer:{name}:1",
    "AWS::Logs::LogGroup": _ARN + "log-group:{name}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SecretsManager::Secret": _ARN + "secret:{name}-Abc123",
    "AWS::Serverless::LayerVersion": "arn:aws:lambda:{region}:{account}:layer:{name}:1",
    "AWS::Serverless::StateMachine": _ARN + "stateMachine:{name}",
    "AWS::StepFunctions::Activity": _ARN + "activity:{name}",
    "AWS::StepFunctions::StateMachine": _ARN + "stateMachine:{name}",
}
_REF_IS_ARN: Final = frozenset({
    "AWS::IAM::ManagedPolicy",
    "AWS::Lambda::LayerVersion",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
    "AWS::Serverless::LayerVersion",
    "AWS::Serverless::StateMachine",
    "AWS::StepFunctions::Activity",
    "AWS::StepFunctions::StateMachine",
})  # fmt: skip
_QUEUE_URL: Final = "https://sqs.{region}.amazonaws.com/{account}/{name}"
_REFS: Final = {
    "AWS::Cognito::IdentityPool": "{region}:{uuid}",
    "AWS::Cognito::UserPool": "{region}_{id}",
    "AWS::Cognito::UserPoolClient": "{id}{hex}",
    "AWS::EC2::SecurityGroup": "sg-{hex}",
    "AWS::EC2::Subnet": "subnet-{hex}",
    "AWS::EC2::VPC": "vpc-{hex}",
    "AWS::KMS::Key": "{uuid}",
    "AWS::SQS::Queue": _QUEUE_URL,
}
_ATTRIBUTES: Final = {
    "AWS::Cognito::UserPool.ProviderName": "cognito-idp.{region}.amazonaws.com/{region}_{id}",
    "AWS::Cognito::UserPool.ProviderURL": (
        "https://cognito-idp.{region}.amazonaws.com/{region}_{id}"
    ),
    "AWS::Lambda::Url.FunctionUrl": "https://{id}.lambda-url.{region}.on.aws/",
    "AWS::S3::Bucket.DomainName": "{name}.s3.amazonaws.com",
    "AWS::S3::Bucket.DualStackDomainName": "{name}.s3.dualstack.{region}.amazonaws.com",
    "AWS::S3::Bucket.RegionalDomainName": "{name}.s3.{region}.amazonaws.com",
    "AWS::S3::Bucket.WebsiteURL": "http://{name}.s3-website-{region}.amazonaws.com",
    "AWS::SQS::Queue.QueueUrl": _QUEUE_URL,
}
_PORTS: Final = {"RDS": "5432", "ElastiCache": "6379", "MemoryDB": "6379", "Redshift": "5439"}
_FIFO: Final = {"AWS::SNS::Topic": "FifoTopic", "AWS::SQS::Queue": "FifoQueue"}
_LOWER: Final = ("AWS::S3::", "AWS::RDS::", "AWS::ElastiCache::")
"""Types whose names are of small letters."""


def _name_properties(kind: str) -> tuple[str, ...]:
    """Return the properties that may hold a resource's name: `QueueName`, `Name` ..."""
    last = kind.rpartition("::")[2]
    return (f"{last}Name", f"{last}Identifier", f"{last.removeprefix('User')}Name", "Name")


def arn_pattern(kind: str) -> str:
    """Return the form of a resource's ARN, for `str.format`."""
    return _ARNS.get(kind, _ARN + "{name}")


def ref_pattern(kind: str) -> str:
    """Return the form of what Ref gives."""
    return arn_pattern(kind) if kind in _REF_IS_ARN else _REFS.get(kind, "{name}")


def attribute_pattern(kind: str, attribute: str) -> str:
    """Return the form of what GetAtt gives, by the attribute's name where its kind isn't known."""
    if (known := _ATTRIBUTES.get(f"{kind}.{attribute}")) is not None:
        return known
    if attribute.startswith("Outputs."):  # of a nested stack
        return f"{{name}}-{attribute.removeprefix('Outputs.')}"
    last = attribute.lower().rpartition(".")[2]
    host = "{id}.{service}.{region}.amazonaws.com"
    by_ending = {
        "arn": arn_pattern(kind),
        "url": f"https://{host}",
        "uri": f"https://{host}",
        **dict.fromkeys(("address", "domainname", "domainendpoint", "endpoint", "host"), host),
        "port": _PORTS.get(kind.split("::")[1] if "::" in kind else "", "443"),
        "id": ref_pattern(kind),
    }
    return next((form for end, form in by_ending.items() if last.endswith(end)), "{name}")


def service_of(kind: str) -> str:
    """Return the service as ARNs name it."""
    parts = kind.split("::")
    service = parts[1].lower() if len(parts) > 1 else "custom"
    return _SERVICES.get(service, service)


def filled_in(pattern: str, *, service: str, name: str, region: str, seed: str) -> str:
    """Fill a form in; ids are made of `seed`, and are the same for the same one."""
    digest = hashlib.sha256(seed.encode()).hexdigest()
    uuid = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    return pattern.format(
        service=service,
        name=name,
        region=region,
        account=ACCOUNT_ID,
        id=digest[:9],
        hex=digest[9:26],
        uuid=uuid,
    )


@dataclass(slots=True)
class Uses:
    """Which variables of which functions hold stand-ins, by resource."""

    found: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def add(self, resource: str, variable: str, function: str) -> None:
        """Count one variable of a function."""
        functions = self.found.setdefault(resource, {}).setdefault(variable, [])
        if function not in functions:
            functions.append(function)

    def notices(self) -> Iterator[str]:
        """Say it in one sentence for each resource."""
        for resource, variables in self.found.items():
            named: dict[tuple[str, ...], list[str]] = {}
            for name, users in variables.items():
                named.setdefault(tuple(users), []).append(name)
            held = [f"{', '.join(names)} of {_functions(users)}" for users, names in named.items()]
            yield (
                f"{resource} is not emulated: {', '.join(held)} "
                f"{'is a stand-in' if len(variables) == 1 else 'are stand-ins'}; "
                "give the real value with --values"
            )


def _functions(names: tuple[str, ...]) -> str:
    shown = " and ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} others"  # noqa: PLR2004
    return f"function{'s' if len(names) > 1 else ''} {shown}"


@dataclass(slots=True)
class _Attributes(Mapping[str, str]):
    """What is known of a resource, and stand-ins for whatever else it may be asked for."""

    known: Mapping[str, str]
    other: "Callable[[str], str]"

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> str:
        return self.known[name] if name in self.known else self.other(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


@dataclass(slots=True)
class _WithStandIns(Mapping[str, Known]):
    """What is known about each resource of a stack, and a stand-in for each of the others."""

    strict: Intrinsics
    property_of: "Property"
    used: set[str] = field(default_factory=set)
    _naming: set[str] = field(default_factory=set)

    def __contains__(self, name: object) -> bool:
        return name in self.strict.known or name in self.strict.foreign

    def __getitem__(self, name: str) -> Known:
        if name in self.strict.known:
            known = self.strict.known[name]
            return Known(known.ref, self._attributes(name, known.attributes))
        self.used.add(name)
        return Known(self._made(name, ref_pattern(self._kind(name))), self._attributes(name, {}))

    def __iter__(self) -> Iterator[str]:
        return iter(self.strict.known.keys() | self.strict.foreign.keys())

    def __len__(self) -> int:
        return len(self.strict.known.keys() | self.strict.foreign.keys())

    def _kind(self, name: str) -> str:
        return self.strict.foreign.get(name, "")

    def _attributes(self, name: str, known: Mapping[str, str]) -> _Attributes:
        def other(attribute: str) -> str:
            self.used.add(name)
            written = self._written(name, attribute)
            return written or self._made(name, attribute_pattern(self._kind(name), attribute))

        return _Attributes(known, other)

    def _made(self, name: str, pattern: str) -> str:
        kind = self._kind(name)
        return filled_in(
            pattern,
            service=service_of(kind),
            name=self._name(name, kind),
            region=self.strict.region,
            seed=f"{self.strict.stack}/{name}",
        )

    def _name(self, name: str, kind: str) -> str:
        """Return the name that the template gives a resource, else one as AWS makes up."""
        for key in _name_properties(kind):
            if given := self._written(name, key):
                return given
        made_up = f"{self.strict.stack}-{name}"
        if kind in _FIFO and self._written(name, _FIFO[kind]) == "true":
            made_up += ".fifo"
        return made_up.lower() if kind.startswith(_LOWER) else made_up

    def _written(self, name: str, key: str) -> str | None:
        view = self.property_of(name, key)
        if view is None:
            return None
        if name in self._naming:
            raise view.error("depends on itself")
        self._naming.add(name)
        try:
            return _lenient(self.strict, self).text(view)
        finally:
            self._naming.discard(name)


def _lenient(strict: Intrinsics, known: _WithStandIns) -> Intrinsics:
    return replace(strict, known=known)


@dataclass(slots=True)
class Environments:
    """Reads environment variables of a stack's functions, with stand-ins where need be.

    `property_of` gives a resource's property: a stand-in has the name that the template sets.
    """

    intrinsics: Intrinsics
    property_of: "Property"
    uses: Uses = field(default_factory=Uses)

    def text(self, view: "View", *, variable: str, function: str) -> str | None:
        """Return the text of a variable; None stands for AWS::NoValue.

        Raises TemplateError for what no resource of the template could give.
        """
        known = _WithStandIns(self.intrinsics, self.property_of)
        text = _lenient(self.intrinsics, known).text(view)
        for name in sorted(known.used):
            self.uses.add(self._titled(name), variable, function)
        return text

    def _titled(self, name: str) -> str:
        kind = self.intrinsics.foreign.get(name)
        if name in self.intrinsics.known or kind is None:
            return f"an attribute of {name}"
        return f"{name} ({kind})"
