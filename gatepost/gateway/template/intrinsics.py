"""What CloudFormation's functions stand for here: Ref, GetAtt, Sub, Join, Select, Split.

Responsible for the values that the emulator uses: functions' environments and tables. A value that
only a deployed stack knows is refused by name rather than made up.

Source: the CloudFormation reference of intrinsic functions and of each resource's return values.
"""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from gatepost.gateway.template.variables import ACCOUNT_ID
from gatepost.gateway.template.yaml_source import scalar_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatepost.gateway.template.view import View

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"

_PLACEHOLDER: Final = re.compile(r"\$\{(?P<name>[^{}]*)\}")
_VALUES_MAX: Final = 10_000
_DEPTH_MAX: Final = 40
_PAIR: Final = 2


class _NoValue:
    """AWS::NoValue: the member that it stands in is left out."""


_NO_VALUE: Final = _NoValue()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about one resource or parameter: its Ref, if it is, and its attributes."""

    ref: str | None
    attributes: "Mapping[str, str]" = field(default_factory=dict)


@dataclass(slots=True)
class Intrinsics:
    """Evaluates values of one stack.

    `known` are the resources that stand for something here; `foreign` are the other resources of
    the stack and their types.
    """

    region: str
    stack: str
    known: "Mapping[str, Known]"
    foreign: "Mapping[str, str]"
    _count: int = 0

    def plain(self, view: "View") -> Plain:
        """Return the value as plain data, with every function in it carried out.

        Raises TemplateError for a function or a reference that has no value here.
        """
        value = self._value(view, 0)
        return None if isinstance(value, _NoValue) else value

    def text(self, view: "View") -> str | None:
        """Return the value as a text, which may be empty; None stands for AWS::NoValue."""
        value = self._value(view, 0)
        if isinstance(value, _NoValue):
            return None
        if isinstance(value, list | dict):
            raise view.error("must be a text")
        return scalar_text(value)

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
        if len(members) == 1 and (function in {"Ref", "Condition"} or function.startswith("Fn::")):
            return self._carried_out(function, members[function], depth)
        entries = {key: self._value(member, depth + 1) for key, member in members.items()}
        return {key: value for key, value in entries.items() if not isinstance(value, _NoValue)}

    def _carried_out(self, function: str, argument: "View", depth: int) -> "Plain | _NoValue":
        match function:
            case "Ref":
                return self._ref(argument.text(), argument)
            case "Fn::GetAtt":
                return self._get_att(argument, depth)
            case "Fn::Sub":
                return self._sub(argument, depth)
            case "Fn::Join":
                return self._join(argument, depth)
            case "Fn::Select":
                return self._select(argument, depth)
            case "Fn::Split":
                return self._split(argument, depth)
            case _:
                raise argument.error(
                    f"can't be carried out here: {function} needs a deployed stack"
                )

    def _ref(self, name: str, at: "View") -> str | _NoValue:
        pseudo = {
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackName": self.stack,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in pseudo:
            return pseudo[name]
        ref = self._find(name, at).ref
        if ref is None:
            raise at.error(f"refers to {name}, of which the values file gives no Ref")
        return ref

    def _find(self, name: str, at: "View") -> Known:
        if name in self.known:
            return self.known[name]
        if name in self.foreign:
            raise at.error(
                f"refers to {name}, an {self.foreign[name]}, which is not emulated: "
                "its value is only known once it is deployed"
            )
        raise at.error(f"refers to {name}, which is no resource or parameter of this template")

    def _get_att(self, argument: "View", depth: int) -> str:
        value = self._value(argument, depth + 1)
        parts = value if isinstance(value, list) else str(value).split(".", 1)
        if len(parts) != _PAIR or not all(isinstance(part, str) and part for part in parts):
            raise argument.error("needs a resource and an attribute")
        return self._attribute(str(parts[0]), str(parts[1]), argument)

    def _attribute(self, name: str, attribute: str, at: "View") -> str:
        attributes = self._find(name, at).attributes
        if attribute not in attributes:
            raise at.error(f"refers to {name}.{attribute}, which is not known here")
        return attributes[attribute]

    def _sub(self, argument: "View", depth: int) -> str:
        value = self._value(argument, depth + 1)
        pattern, given = value if isinstance(value, list) and len(value) == _PAIR else (value, {})
        if not isinstance(pattern, str) or not isinstance(given, dict):
            raise argument.error("needs a text, or a text and a mapping")

        def replaced(match: re.Match[str]) -> str:
            name = match["name"].strip()
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in given:
                return self._flat(given[name], argument)
            resource, _, attribute = name.partition(".")
            if attribute:
                return self._attribute(resource, attribute, argument)
            return self._flat(self._ref(name, argument), argument)

        return _PLACEHOLDER.sub(replaced, pattern)

    def _join(self, argument: "View", depth: int) -> str:
        match self._value(argument, depth + 1):
            case [str() as delimiter, list() as items]:
                return delimiter.join(self._flat(item, argument) for item in items)
            case _:
                raise argument.error("needs a delimiter and a list")

    def _select(self, argument: "View", depth: int) -> Plain:
        value = self._value(argument, depth + 1)
        index, items = value if isinstance(value, list) and len(value) == _PAIR else (None, None)
        digits = str(index)
        if not isinstance(items, list) or digits not in map(str, range(len(items))):
            raise argument.error("needs an index and a list that has it")
        return items[int(digits)]

    def _split(self, argument: "View", depth: int) -> Plain:
        match self._value(argument, depth + 1):
            case [str() as delimiter, str() as text] if delimiter:
                return list(text.split(delimiter))
            case _:
                raise argument.error("needs a delimiter and a text")

    def _flat(self, value: "Plain | _NoValue", at: "View") -> str:
        if isinstance(value, list | dict | _NoValue):
            raise at.error("has a part that is no text")
        return scalar_text(value)
