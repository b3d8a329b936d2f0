"""One CloudFormation stack: its parameters, conditions and mappings, and the resources it makes.

Responsible for which resources there are, with those that SAM writes for others; what they say is
read by the stack_* modules.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template import sam
from gatepost.gateway.template.identities import FUNCTIONS, Identities
from gatepost.gateway.template.intrinsics import Intrinsics, refuse_loops
from gatepost.gateway.template.part import Resource
from gatepost.gateway.template.rest_apis import expand_rest_apis
from gatepost.gateway.template.stand_ins import Environments
from gatepost.gateway.template.yaml_source import scalar_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from gatepost.gateway.template.intrinsics import Plain
    from gatepost.gateway.template.values import Values
    from gatepost.gateway.template.view import View

_FROM_SSM: Final = "AWS::SSM::Parameter::Value<"
_LISTS: Final = ("CommaDelimitedList", "List<")
_INCLUDE: Final = "AWS::Include"


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as it would be deployed.

    `folder` is the template's; `overridden` are environment variables that are set from outside.
    """

    name: str
    region: str
    folder: "Path"
    resources: dict[str, Resource]
    intrinsics: Intrinsics
    environments: Environments
    notices: list[str] = field(default_factory=list)
    overridden: "Collection[str]" = ()

    def of_kind(self, *kinds: str) -> "Iterator[Resource]":
        """Iterate over the resources of some types, in the template's order."""
        return (resource for resource in self.resources.values() if resource.kind in kinds)

    def notice(self, resource: "Resource", sentence: str) -> None:
        """Note something that was read but has no effect here."""
        self.notices.append(f"{resource.place}: {resource.logical_id} {sentence}")

    def note_idle(self, resource: "Resource", idle: frozenset[str]) -> None:
        """Note those properties of a resource that make a difference on AWS but none here."""
        if found := sorted(idle & resource.properties.keys()):
            self.notice(resource, f"has {', '.join(found)}, which has no effect here")

    def ref(self, logical_id: str) -> str:
        """Return what Ref gives for a resource that is known here."""
        return self.intrinsics.known[logical_id].ref

    def functions(self) -> dict[str, Resource]:
        """Return the functions by their names when deployed."""
        named: dict[str, Resource] = {}
        for resource in self.of_kind(*FUNCTIONS):
            name = self.ref(resource.logical_id)
            if name in named:
                raise resource.error(f"has the name {name}, as {named[name].logical_id} has")
            named[name] = resource
        return named


def read_stack(
    template: "View",
    *,
    name: str,
    region: str,
    folder: "Path",
    values: "Values",
    overridden: "Collection[str]" = (),
) -> Stack:
    """Read what a stack consists of.

    Raises TemplateError, among others for a macro, a loop and a parameter without value in use.
    """
    _refuse_macros(template)
    parameters, unset = _parameters(template, values)
    intrinsics = Intrinsics(
        region=region,
        stack=name,
        known={},
        foreign={},
        parameters=parameters,
        unset=unset,
        conditions=_section(template, "Conditions"),
        mappings=_section(template, "Mappings"),
        values=values,
    )
    resources, left_out = _resources(template, intrinsics)
    intrinsics.left_out = left_out
    resources, notices = sam.expand(expand_rest_apis(resources), template.get("Globals"))
    intrinsics.known = Identities(resources, name, region)
    intrinsics.foreign = {key: resource.kind for key, resource in resources.items()}

    def property_of(logical_id: str, key: str) -> "View | None":
        return resources[logical_id].properties.get(key) if logical_id in resources else None

    environments = Environments(intrinsics, property_of)
    return Stack(name, region, folder, resources, intrinsics, environments, notices, overridden)


def _refuse_macros(template: "View") -> None:
    transform = template.get("Transform")
    if transform is None:
        return
    for macro in transform.elements() if transform.is_list else [transform]:
        name = "" if macro.is_mapping else macro.text()
        if not name.startswith("AWS::") or name == _INCLUDE:
            raise macro.error(
                f"has {name or 'a macro with parameters'}, which changes the template in AWS; "
                "give the template that comes out of it"
            )


def _section(template: "View", key: str) -> "dict[str, View]":
    section = template.get(key)
    if section is None:
        return {}
    refuse_loops(section)
    return {name: view for name, view in section.items() if not view.is_empty}


def _parameters(template: "View", values: "Values") -> "tuple[dict[str, Plain], frozenset[str]]":
    """Return the parameters' values, and the names of those that have none."""
    known: dict[str, Plain] = {}
    unset = set()
    for name, view in _section(template, "Parameters").items():
        kind, default = view.get("Type"), view.get("Default")
        type_ = "String" if kind is None else kind.text()
        value = values.parameters.get(name)
        if value is None and default is not None:
            value = scalar_text(default.scalar())
            if type_.startswith(_FROM_SSM):
                value = values.ssm.get(value)
        if value is None:
            unset.add(name)
        elif type_.removeprefix(_FROM_SSM).startswith(_LISTS):
            known[name] = [item.strip() for item in value.split(",")]
        else:
            known[name] = value
    return known, frozenset(unset)


def _resources(
    template: "View", intrinsics: Intrinsics
) -> tuple[dict[str, Resource], dict[str, str]]:
    """Return the resources that are made, and the conditions of those that are not."""
    resources: dict[str, Resource] = {}
    left_out: dict[str, str] = {}
    for logical_id, view in _section(template, "Resources").items():
        kind = view.require("Type").text()
        condition = view.get("Condition")
        if condition is not None and not intrinsics.condition(condition.text(), condition):
            left_out[logical_id] = condition.text()
            continue
        given = view.get("Properties")
        if given is not None:
            refuse_loops(given)
        resources[logical_id] = Resource(
            view=view,
            properties={} if given is None else dict(given.items()),
            intrinsics=intrinsics,
            logical_id=logical_id,
            kind=kind,
        )
    return resources, left_out
