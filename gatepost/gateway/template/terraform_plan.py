"""A Terraform plan (`terraform show -json PLAN`) as a tree of modules and resources.

Responsible for the form of the file and for the `.tf` sources beside it, which alone say how a
value that is unknown until apply is put together. What values come to is terraform_values.py's.
Source: Terraform's "JSON Output Format".
"""

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from gatepost.gateway.template.errors import Place
from gatepost.gateway.template.hcl_syntax import HclError, parse
from gatepost.gateway.template.hcl_tree import Body
from gatepost.gateway.template.yaml_source import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Key = str | int | None
"""Index of an instance that `for_each` or `count` makes."""

_MODULE: Final = re.compile(r"module\.(?P<name>[A-Za-z0-9_-]+)(?:\[(?P<key>.*)\])?")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that has to wait for apply; `reason` names what it comes from."""

    reason: str

    @property
    def resource(self) -> str:
        """Address of the resource whose attribute it is."""
        return self.reason.rpartition(".")[0]


class _ResourceJson(Struct):
    address: str
    type: str
    name: str
    mode: str = "managed"
    index: Key = None
    values: dict[str, Any] = {}
    expressions: dict[str, Any] = {}
    for_each_expression: Any = None


class _ModuleJson(Struct):
    address: str = ""
    resources: list[_ResourceJson] = []
    child_modules: "list[_ModuleJson]" = []


class _ValuesJson(Struct):
    root_module: _ModuleJson = msgspec.field(default_factory=_ModuleJson)


class _OutputJson(Struct):
    expression: Any = None


class ConfigJson(Struct):
    """What a module's sources say; expressions only name what they refer to."""

    resources: list[_ResourceJson] = []
    module_calls: "dict[str, CallJson]" = {}
    outputs: dict[str, _OutputJson] = {}


class CallJson(Struct):
    """One `module` block."""

    source: str = ""
    expressions: dict[str, Any] = {}
    for_each_expression: Any = None
    module: ConfigJson = msgspec.field(default_factory=ConfigJson)


class _ProviderJson(Struct):
    name: str = ""
    expressions: dict[str, Any] = {}


class _ConfigurationJson(Struct):
    root_module: ConfigJson = msgspec.field(default_factory=ConfigJson)
    provider_config: dict[str, _ProviderJson] = {}


class _VariableJson(Struct):
    value: Any = None


class _ChangeJson(Struct):
    after_unknown: Any = None


class _ResourceChangeJson(Struct):
    address: str
    change: _ChangeJson = msgspec.field(default_factory=_ChangeJson)


class _StateJson(Struct):
    values: _ValuesJson | None = None


class _PlanJson(Struct):
    planned_values: _ValuesJson | None = None
    values: _ValuesJson | None = None
    prior_state: _StateJson | None = None
    configuration: _ConfigurationJson = msgspec.field(default_factory=_ConfigurationJson)
    variables: dict[str, _VariableJson] = {}
    resource_changes: list[_ResourceChangeJson] = []


@dataclass(slots=True, eq=False)
class Module:
    """One instance of a module; the root's address is empty.

    `folder` is where its sources lie, `source` what they say, both without content when they are
    not at hand.
    """

    address: str
    name: str
    key: Key
    parent: "Module | None"
    config: ConfigJson
    folder: "Path"
    source: Body
    resources: "list[Resource]" = field(default_factory=list)
    children: "list[Module]" = field(default_factory=list)

    def call(self) -> CallJson:
        """Return the `module` block that makes this module."""
        return self.parent.config.module_calls[self.name] if self.parent else CallJson()

    def walk(self) -> "Iterator[Resource]":
        """Iterate over the resources of this module and of those within."""
        yield from self.resources
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True, eq=False)
class Resource:
    """One instance of a resource or data source.

    `values` lacks what is unknown until apply; `unknown` tells of parts of values in its form.
    `expressions`, and `for_each` where it has one, are what the plan says that they refer to.
    """

    address: str
    type: str
    name: str
    key: Key
    module: Module
    values: dict[str, Any]
    unknown: dict[str, Any]
    expressions: dict[str, Any]
    for_each: object = None

    def block(self) -> Body | None:
        """Return the block of the sources that makes this resource."""
        source = self.module.source
        return source.block("resource", self.type, self.name) or source.block(
            "data", self.type, self.name
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan. `folder` is where it lies; `notices` are about sources that can't be read."""

    root: Module
    place: Place
    folder: "Path"
    variables: dict[str, Any]
    provider: dict[str, Any]
    notices: tuple[str, ...] = ()

    def of_type(self, *types: str) -> "list[Resource]":
        """Return the resources of these types, in the order of the plan."""
        return [resource for resource in self.root.walk() if resource.type in types]


def is_plan(path: "Path") -> bool:
    """Say whether a file has the form of a plan; False for one that can't be read."""
    if path.suffix != ".json":
        return False
    try:
        tree = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(tree, dict) and "format_version" in tree and (
        "planned_values" in tree or "terraform_version" in tree
    )  # fmt: skip


def read_plan(path: "Path") -> Plan:
    """Read a plan, or raise TemplateError."""
    place = Place(str(path))
    try:
        tree = msgspec.json.decode(read_text(path, str(path)), type=_PlanJson)
    except msgspec.MsgspecError as error:
        raise place.error(f"is no Terraform plan: {error}") from None
    except RecursionError:
        raise place.error("is nested too deeply") from None
    values = tree.planned_values or tree.values
    if values is None:
        raise place.error(
            "has no planned_values; make it with `terraform show -json PLAN > plan.json`"
        )
    building = _Building(path.parent.absolute(), _unknown(tree))
    prior = tree.prior_state.values if tree.prior_state else None
    root = building.module(values.root_module, tree.configuration.root_module, parent=None)
    if prior is not None:
        building.add_data(root, prior.root_module)
    provider = next(
        (one for one in tree.configuration.provider_config.values() if one.name == "aws"),
        _ProviderJson(),
    )
    return Plan(
        root=root,
        place=place,
        folder=building.root,
        variables={name: variable.value for name, variable in tree.variables.items()},
        provider=provider.expressions,
        notices=tuple(building.notices),
    )


def _unknown(tree: _PlanJson) -> dict[str, dict[str, Any]]:
    """Return what is unknown until apply, by address."""
    return {
        one.address: one.change.after_unknown
        for one in tree.resource_changes
        if isinstance(one.change.after_unknown, dict)
    }


@dataclass(slots=True)
class _Building:
    """Puts values, configuration and sources together."""

    root: "Path"
    unknown: dict[str, dict[str, Any]]
    notices: list[str] = field(default_factory=list)
    sources: "dict[Path, Body]" = field(default_factory=dict)

    def module(self, given: _ModuleJson, config: ConfigJson, parent: Module | None) -> Module:
        name, key = _name_and_key(given.address, parent)
        folder = self.root if parent is None else self._folder(given.address, name, parent)
        module = Module(
            address=given.address,
            name=name,
            key=key,
            parent=parent,
            config=config,
            folder=folder,
            source=self._source(folder),
        )
        self._add(module, given.resources)
        for child in given.child_modules:
            name, _ = _name_and_key(child.address, module)
            inner = config.module_calls.setdefault(name, CallJson()).module
            module.children.append(self.module(child, inner, module))
        return module

    def add_data(self, module: Module, given: _ModuleJson) -> None:
        """Add the data sources that were read while planning, which only the state has."""
        there = {resource.address for resource in module.resources}
        self._add(
            module,
            [one for one in given.resources if one.mode == "data" and one.address not in there],
        )
        for child in given.child_modules:
            for known in module.children:
                if known.address == child.address:
                    self.add_data(known, child)

    def _add(self, module: Module, given: list[_ResourceJson]) -> None:
        configured = {(one.mode, one.type, one.name): one for one in module.config.resources}
        for one in given:
            config = configured.get((one.mode, one.type, one.name), one)
            module.resources.append(
                Resource(
                    address=one.address,
                    type=one.type,
                    name=one.name,
                    key=one.index,
                    module=module,
                    values=one.values,
                    unknown=self.unknown.get(one.address, {}),
                    expressions=config.expressions,
                    for_each=config.for_each_expression,
                )
            )

    def _folder(self, address: str, name: str, parent: Module) -> "Path":
        source = parent.config.module_calls[name].source
        if source.startswith("."):
            return (parent.folder / source).resolve()
        installed = _installed(self.root)
        dotted = re.sub(r"\[[^\]]*\]", "", address).removeprefix("module.").replace(".module.", ".")
        return self.root / installed.get(dotted, ".terraform/modules/" + name)

    def _source(self, folder: "Path") -> Body:
        if folder not in self.sources:
            self.sources[folder] = whole = Body()
            for path in sorted(folder.glob("*.tf")):
                try:
                    body = parse(read_text(path, str(path)))
                except HclError as error:
                    self.notices.append(f"{path.name} is not read: {error}")
                    continue
                whole.attributes.update(body.attributes)
                whole.blocks.extend(body.blocks)
        return self.sources[folder]


def _name_and_key(address: str, parent: Module | None) -> tuple[str, Key]:
    if parent is None:
        return "", None
    found = _MODULE.fullmatch(address.removeprefix(parent.address).removeprefix("."))
    if found is None:
        return address, None
    return found["name"], None if found["key"] is None else _key(found["key"])


def _key(text: str) -> Key:
    try:
        key = json.loads(text)
    except ValueError:
        return text
    return key if isinstance(key, str | int) else text


def _installed(root: "Path") -> dict[str, str]:
    """Return where `terraform init` put modules of a registry, by their address."""
    try:
        manifest = json.loads((root / ".terraform/modules/modules.json").read_bytes())
        return {str(one["Key"]): str(one["Dir"]) for one in manifest["Modules"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
