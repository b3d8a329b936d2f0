"""The `resources` section: the CloudFormation that a project adds to what the framework makes.

Responsible for collecting the resources, for what is known about each of them here, and for tables;
APIs among them are read by written_apis.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.intrinsics import Intrinsics, Known
from gatepost.gateway.template.part import Resource
from gatepost.gateway.template.tables import TABLE_TYPE, read_table
from gatepost.gateway.template.variables import ACCOUNT_ID
from gatepost.gateway.template.view import View
from gatepost.gateway.template.yaml_source import scalar_text

if TYPE_CHECKING:
    from gatepost.gateway.core.deployment import Table

_API_PARTS: Final = ("AWS::ApiGatewayV2::", "AWS::ApiGateway::ApiKey", "AWS::ApiGateway::UsagePlan")
_GLOBAL_TABLE: Final = "AWS::DynamoDB::GlobalTable"
_SILENT: Final = (
    TABLE_TYPE,
    "AWS::ApiGateway",
    "AWS::CloudWatch::",
    "AWS::IAM::",
    "AWS::Lambda::Permission",
    "AWS::Logs::",
)
"""Types that either do their work here or make no difference to it."""


@dataclass(frozen=True, slots=True)
class _Properties(Mapping[str, View]):
    """The properties of a resource, each resolved when it is asked for and not before."""

    view: View | None

    def __getitem__(self, key: str) -> View:
        found = None if self.view is None else self.view.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(() if self.view is None else self.view.keys())

    def __len__(self) -> int:
        return 0 if self.view is None else len(self.view.keys())


def collect(section: View | None) -> tuple[dict[str, View], dict[str, View]]:
    """Return the resources and the parameters of the section by logical id.

    The section is a CloudFormation template in part, or a list of them.
    """
    resources: dict[str, View] = {}
    parameters: dict[str, View] = {}
    if section is None:
        return resources, parameters
    parts = section.elements() if section.is_list else [section]
    for part in parts:
        if part.is_empty:
            continue
        for key, into in (("Resources", resources), ("Parameters", parameters)):
            for logical_id, view in _entries(part, key):
                if logical_id in into:
                    raise view.error(f"is there twice, first at {into[logical_id].place}")
                into[logical_id] = view
    return resources, parameters


def gather(section: View | None, key: str) -> dict[str, View]:
    """Return what stands under `key`, Conditions or Mappings, in all parts of the section."""
    if section is None:
        return {}
    parts = section.elements() if section.is_list else [section]
    return {name: view for part in parts if not part.is_empty for name, view in _entries(part, key)}


def made(
    resources: Mapping[str, View], intrinsics: Intrinsics
) -> tuple[dict[str, View], dict[str, str]]:
    """Return the resources that conditions let be made, and the conditions of the others."""
    kept, left_out = {}, {}
    for logical_id, view in resources.items():
        condition = view.get("Condition")
        if condition is None or intrinsics.condition(condition.text(), condition):
            kept[logical_id] = view
        else:
            left_out[logical_id] = condition.text()
    return kept, left_out


def _entries(part: View, key: str) -> Iterator[tuple[str, View]]:
    entries = part.get(key)
    if entries is None:
        return
    for logical_id, view in entries.items():
        if not view.is_empty:
            yield logical_id, view


def read_tables(
    resources: Mapping[str, View], names: Mapping[str, str], intrinsics: Intrinsics
) -> "tuple[Table, ...]":
    """Read every table; `names` are their names by logical id."""
    return tuple(
        read_table(logical_id, resources[logical_id], name=name, intrinsics=intrinsics)
        for logical_id, name in names.items()
    )


def property_of(resources: Mapping[str, View], logical_id: str, key: str) -> View | None:
    """Return a property of a resource, resolving no other."""
    given = resources[logical_id].get("Properties") if logical_id in resources else None
    return None if given is None else given.get(key)


def types(resources: Mapping[str, View]) -> dict[str, str]:
    """Return the type of each resource by logical id; one without adds to a generated resource."""
    found = {}
    for logical_id, view in resources.items():
        kind = view.get("Type")
        found[logical_id] = "no Type" if kind is None else kind.text()
    return found


def table_names(
    resources: Mapping[str, View], kinds: Mapping[str, str], intrinsics: Intrinsics
) -> dict[str, str]:
    """Return the name of each table by logical id: its TableName, else `{stack}-{logical id}`."""
    names = {}
    for logical_id, kind in kinds.items():
        if kind == _GLOBAL_TABLE:
            raise resources[logical_id].error(f"is an {kind}; only {TABLE_TYPE} is emulated")
        if kind != TABLE_TYPE:
            continue
        properties = resources[logical_id].get("Properties")
        given = None if properties is None else properties.get("TableName")
        name = None if given is None else intrinsics.text(given)
        names[logical_id] = name or f"{intrinsics.stack}-{logical_id}"
    return names


def parameter_values(parameters: Mapping[str, View], given: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that have a value: the one `given` in the values file, or a default."""
    defaults = {
        name: scalar_text(default.scalar())
        for name, view in parameters.items()
        if (default := view.get("Default")) is not None
    }
    return defaults | dict(given)


def known_tables(names: Mapping[str, str], region: str) -> dict[str, Known]:
    """Return what Ref and GetAtt give for each table."""
    prefix = f"arn:aws:dynamodb:{region}:{ACCOUNT_ID}:table/"
    return {logical_id: Known(name, {"Arn": prefix + name}) for logical_id, name in names.items()}


def parts_of_apis(
    found: Mapping[str, View], kinds: Mapping[str, str], intrinsics: Intrinsics
) -> dict[str, Resource]:
    """Return the resources that make APIs, by logical id; `kinds` are the types of all."""
    return {
        logical_id: Resource(
            view=view,
            properties=_Properties(view.get("Properties")),
            intrinsics=intrinsics,
            logical_id=logical_id,
            kind=kinds[logical_id],
        )
        for logical_id, view in found.items()
        if kinds[logical_id].startswith(_API_PARTS)
    }


def notices(kinds: Mapping[str, str]) -> Iterator[str]:
    """Say in one sentence which resources have no stand-in here."""
    idle = [f"{name} ({kind})" for name, kind in kinds.items() if not kind.startswith(_SILENT)]
    if idle:
        yield f"not emulated: {', '.join(idle)}"
