"""What CloudFormation's functions stand for here: Ref, GetAtt, Sub, If, FindInMap and the others.

Responsible for carrying functions out. A value that only a deployed stack knows is taken from the
values file, and refused by name where that hasn't it, rather than made up.

Source: the CloudFormation reference of intrinsic functions and of each resource's return values.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from gatepost.gateway.template.conditions import is_condition, truth
from gatepost.gateway.template.dynamic_references import resolve_text
from gatepost.gateway.template.values import NO_VALUES, Values
from gatepost.gateway.template.variables import ACCOUNT_ID
from gatepost.gateway.template.yaml_source import scalar_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatepost.gateway.template.view import View
    from gatepost.gateway.template.yaml_source import Node

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"

_PLACEHOLDER: Final = re.compile(r"\$\{(?P<name>[^{}]*)\}")
_VALUES_MAX: Final = 100_000
_DEPTH_MAX: Final = 40
_PAIR: Final = 2
_TRIPLE: Final = 3


class _NoValue:
    """AWS::NoValue: the member that it stands in is left out."""


_NO_VALUE: Final = _NoValue()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about one resource: its Ref and its attributes."""

    ref: str
    attributes: "Mapping[str, str]" = field(default_factory=dict)


@dataclass(slots=True)
class Intrinsics:
    """Evaluates values of one stack.

    `known` are the resources that stand for something here; `foreign` are the other resources of
    the stack and their types; `left_out` are those that a condition leaves out, and its name.
    `parameters` are those that have a value; `unset` those without.
    """

    region: str
    stack: str
    known: "Mapping[str, Known]"
    foreign: "Mapping[str, str]"
    parameters: "Mapping[str, Plain]" = field(default_factory=dict)
    unset: frozenset[str] = frozenset()
    conditions: "Mapping[str, View]" = field(default_factory=dict)
    mappings: "Mapping[str, View]" = field(default_factory=dict)
    values: Values = NO_VALUES
    left_out: "Mapping[str, str]" = field(default_factory=dict)
    _count: int = field(default=0, init=False)
    _texts: "dict[Node, str | None]" = field(default_factory=dict, init=False)
    _truths: dict[str, bool | None] = field(default_factory=dict, init=False)

    def plain(self, view: "View") -> Plain:
        """Return the value as plain data, with every function in it carried out.

        Raises TemplateError for a function or a reference that has no value here.
        """
        value = self._value(view, 0)
        return None if isinstance(value, _NoValue) else self._resolved(value, view)

    def text(self, view: "View") -> str | None:
        """Return the value as a text, which may be empty; None stands for AWS::NoValue."""
        if view.node not in self._texts:
            self._texts[view.node] = self._text(view)
        return self._texts[view.node]

    def _text(self, view: "View") -> str | None:
        value = self._value(view, 0)
        if isinstance(value, _NoValue):
            return None
        if isinstance(value, list | dict):
            raise view.error("must be a text")
        return resolve_text(scalar_text(value), self.values, view)

    def chosen(self, view: "View") -> "View | None":
        """Return what an Fn::If at the top of the value leads to; None stands for AWS::NoValue.

        The members of a mapping keep their places, so that messages can name them.
        """
        while view.is_mapping and list(view.keys()) == ["Fn::If"]:
            view = self._branch(view.require("Fn::If"))
        if view.is_mapping and list(view.keys()) == ["Ref"]:
            name = view.require("Ref")
            if name.node.value == "AWS::NoValue":
                return None
        return view

    def condition(self, name: str, at: "View") -> bool:
        """Return whether a condition of the template holds."""
        if name not in self.conditions:
            raise at.error(f"names condition {name}, which Conditions lacks")
        if name not in self._truths:
            self._truths[name] = None
            self._truths[name] = truth(self.conditions[name], self.plain, self.condition)
        known = self._truths[name]
        if known is None:
            raise at.error(f"names condition {name}, which depends on itself")
        return known

    def _resolved(self, value: Plain, at: "View") -> Plain:
        match value:
            case str():
                return resolve_text(value, self.values, at)
            case list():
                return [self._resolved(item, at) for item in value]
            case dict():
                return {key: self._resolved(item, at) for key, item in value.items()}
            case _:
                return value

    def _value(self, view: "View", depth: int) -> "Plain | _NoValue":
        self._count += 1
        if depth > _DEPTH_MAX or self._count > _VALUES_MAX:
            raise view.error("is too large or nested too deeply")
        if view.is_list:
            values = [self._value(element, depth + 1) for element in view.elements()]
            return [value for value in values if not isinstance(value, _NoValue)]
        if not view.is_mapping:
            return view.scalar()
        members = dict(view.items())
        function = next(iter(members), "")
        refuse_loops(view)
        if len(members) == 1 and (function in {"Ref", "Condition"} or function.startswith("Fn::")):
            return self._carried_out(function, members[function], depth)
        entries = {key: self._value(member, depth + 1) for key, member in members.items()}
        return {key: value for key, value in entries.items() if not isinstance(value, _NoValue)}

    def _carried_out(self, function: str, argument: "View", depth: int) -> "Plain | _NoValue":
        if function == "Ref":
            return self._ref(argument.text(), argument)
        if function == "Fn::If":
            return self._value(self._branch(argument), depth + 1)
        if is_condition(function) and argument.is_list:
            return truth(argument, self.plain, self.condition, function=function)
        functions: dict[str, Callable[[Plain, View], Plain]] = {
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::FindInMap": self._find_in_map,
            "Fn::ImportValue": self._import,
            "Fn::Join": _join,
            "Fn::Select": _select,
            "Fn::Split": _split,
            "Fn::Base64": _base64,
            "Fn::Length": _length,
            "Fn::ToJsonString": _to_json,
        }
        if function == "Condition":  # a key of policies, a condition nowhere else
            value = self._value(argument, depth + 1)
            return {function: None if isinstance(value, _NoValue) else value}
        if function not in functions:
            raise argument.error(f"can't be carried out here: {function} needs a deployed stack")
        value = self._value(argument, depth + 1)
        if isinstance(value, _NoValue):
            raise argument.error(f"is AWS::NoValue, which {function} can't take")
        return functions[function](value, argument)

    def _branch(self, argument: "View") -> "View":
        parts = list(argument.elements()) if argument.is_list else []
        if len(parts) != _TRIPLE:
            raise argument.error("needs a condition and two values")
        return parts[1 if self.condition(parts[0].text(), parts[0]) else 2]

    def _ref(self, name: str, at: "View") -> "Plain | _NoValue":
        pseudo: dict[str, Plain] = {
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackId": f"arn:aws:cloudformation:{self.region}:{ACCOUNT_ID}"
            f":stack/{self.stack}/00000000-0000-0000-0000-000000000000",
            "AWS::StackName": self.stack,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        given = self.values.resources.get(name, {})
        return given["Ref"] if "Ref" in given else self._find(name, at).ref

    def _find(self, name: str, at: "View") -> Known:
        if name in self.known:
            return self.known[name]
        if name in self.unset:
            raise at.error(
                f"refers to parameter {name}, which has no value: "
                "give it under parameters in a file for --values"
            )
        if name in self.left_out:
            raise at.error(f"refers to {name}, which condition {self.left_out[name]} leaves out")
        if name in self.foreign:
            raise at.error(
                f"refers to {name}, an {self.foreign[name]}, which is not emulated: "
                "its value is only known once it is deployed, or given under resources in a "
                "file for --values"
            )
        raise at.error(f"refers to {name}, which is no resource or parameter of this template")

    def _get_att(self, value: Plain, at: "View") -> str:
        parts = value if isinstance(value, list) else str(value).split(".", 1)
        if len(parts) != _PAIR or not all(isinstance(part, str) and part for part in parts):
            raise at.error("needs a resource and an attribute")
        return self._attribute(str(parts[0]), str(parts[1]), at)

    def _attribute(self, name: str, attribute: str, at: "View") -> str:
        given = self.values.resources.get(name, {})
        if attribute in given:
            return given[attribute]
        attributes = self._find(name, at).attributes
        if attribute not in attributes:
            raise at.error(f"refers to {name}.{attribute}, which is not known here")
        return attributes[attribute]

    def _sub(self, value: Plain, at: "View") -> str:
        pattern, given = value if isinstance(value, list) and len(value) == _PAIR else (value, {})
        if not isinstance(pattern, str) or not isinstance(given, dict):
            raise at.error("needs a text, or a text and a mapping")

        def replaced(match: re.Match[str]) -> str:
            name = match["name"].strip()
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in given:
                return _flat(given[name], at)
            resource, _, attribute = name.partition(".")
            if attribute and name not in self.known:
                return self._attribute(resource, attribute, at)
            return _flat(self._ref(name, at), at)

        return _PLACEHOLDER.sub(replaced, pattern)

    def _find_in_map(self, value: Plain, at: "View") -> Plain:
        parts = value if isinstance(value, list) else []
        if len(parts) not in {_TRIPLE, _TRIPLE + 1}:
            raise at.error("needs a mapping's name and two keys")
        names = [_flat(part, at) for part in parts[:_TRIPLE]]
        found = self.mappings.get(names[0])
        for name in names[1:]:
            found = None if found is None or not found.is_mapping else found.get(name)
        if found is not None:
            return self.plain(found)
        match parts[_TRIPLE:]:
            case [{"DefaultValue": default}]:
                return default
            case _:
                raise at.error(f"looks for {'.'.join(names)}, which Mappings lacks")

    def _import(self, value: Plain, at: "View") -> str:
        name = _flat(value, at)
        if name not in self.values.imports:
            raise at.error(
                f"imports {name}, which another stack exports: "
                "give it under imports in a file for --values"
            )
        return self.values.imports[name]


def refuse_loops(view: "View") -> None:
    """Refuse an Fn::ForEach, which stands among the keys of a mapping."""
    loops = [key for key in view.keys() if key.startswith("Fn::ForEach::")]  # noqa: SIM118
    if loops:
        raise view.error(
            f"has {loops[0]}: loops are not read here; give the template that "
            "AWS::LanguageExtensions makes of it"
        )


def _join(value: Plain, at: "View") -> str:
    match value:
        case [str() as delimiter, list() as items]:
            return delimiter.join(_flat(item, at) for item in items)
        case _:
            raise at.error("needs a delimiter and a list")


def _select(value: Plain, at: "View") -> Plain:
    index, items = value if isinstance(value, list) and len(value) == _PAIR else (None, None)
    digits = str(index)
    if not isinstance(items, list) or digits not in map(str, range(len(items))):
        raise at.error("needs an index and a list that has it")
    return items[int(digits)]


def _split(value: Plain, at: "View") -> Plain:
    match value:
        case [str() as delimiter, str() as text] if delimiter:
            return list(text.split(delimiter))
        case _:
            raise at.error("needs a delimiter and a text")


def _base64(value: Plain, at: "View") -> str:
    return base64.b64encode(_flat(value, at).encode()).decode()


def _length(value: Plain, at: "View") -> int:
    if not isinstance(value, list):
        raise at.error("must be a list")
    return len(value)


def _to_json(value: Plain, at: "View") -> str:
    if not isinstance(value, list | dict):
        raise at.error("must be a mapping or a list")
    return json.dumps(value, separators=(",", ":"))


def _flat(value: "Plain | _NoValue", at: "View") -> str:
    if isinstance(value, list | dict | _NoValue):
        raise at.error("has a part that is no text")
    return scalar_text(value)
