"""Typed access to a template whose variables resolve as they are read.

Responsible for "this must be a mapping, a text, a number", with the place and the path of what is
not. What the values mean is up to serverless.py, tables.py and intrinsics.py.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.gateway.template.yaml_source import DEPTH_MAX, Node, Scalar, scalar_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, KeysView

    from gatepost.gateway.template.errors import Place, TemplateError
    from gatepost.gateway.template.variables import Variables


@dataclass(frozen=True, slots=True)
class View:
    """One value of the template, resolved, under the path that messages call it by."""

    node: Node
    path: str
    variables: "Variables"

    @property
    def place(self) -> "Place":
        """Where the value stands."""
        return self.node.place

    @property
    def is_empty(self) -> bool:
        """Whether the value is null."""
        return self.node.value is None

    @property
    def is_mapping(self) -> bool:
        """Whether the value is a mapping."""
        return isinstance(self.node.value, dict)

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return isinstance(self.node.value, list)

    def error(self, message: str) -> "TemplateError":
        """Return the error to raise for something wrong with this value."""
        return self.place.error(f"{self.path or 'the template'} {message}")

    def __contains__(self, key: str) -> bool:
        """Whether a mapping has this key, even with a null value. Resolves nothing."""
        return isinstance(self.node.value, dict) and key in self.node.value

    def get(self, key: str) -> "View | None":
        """Return a member of a mapping, or None if it is absent or null."""
        members = self._members()
        if key not in members:
            return None
        member = self._child(key, members[key])
        return None if member.is_empty else member

    def require(self, key: str) -> "View":
        """Return a member of a mapping that must be there."""
        member = self.get(key)
        if member is None:
            raise self.error(f"needs {key}")
        return member

    def keys(self) -> "KeysView[str]":
        """Return the keys of a mapping. Resolves nothing."""
        return self._members().keys()

    def items(self, *, skip: "Collection[str]" = ()) -> "Iterator[tuple[str, View]]":
        """Iterate over the members of a mapping but those of `skip`, resolving each as it comes."""
        members = self._members().items()
        return ((key, self._child(key, node)) for key, node in members if key not in skip)

    def elements(self) -> "Iterator[View]":
        """Iterate over the elements of a list, resolving each as it comes."""
        if not isinstance(self.node.value, list):
            raise self.error("must be a list")
        return (self._child(str(index), node) for index, node in enumerate(self.node.value))

    def scalar(self) -> Scalar:
        """Return a value that is neither mapping nor list."""
        value = self.node.value
        if isinstance(value, dict | list):
            raise self.error("must be a single value")
        return value

    def text(self) -> str:
        """Return a text that is not empty; a number counts as its digits."""
        value = self.node.value
        if value is None or isinstance(value, dict | list | bool) or value == "":
            raise self.error("must be a text")
        return scalar_text(value)

    def boolean(self) -> bool:
        """Return true or false, also written as a text."""
        known = {"true": True, "false": False}
        value = self.node.value
        text = None if isinstance(value, dict | list) else scalar_text(value)
        if text not in known:
            raise self.error("must be true or false")
        return known[text]

    def integer(self, low: int, high: int) -> int:
        """Return a whole number within bounds, also written as a text."""
        value = self.node.value
        digits = "" if isinstance(value, dict | list | bool) else scalar_text(value)
        if not digits.isdecimal() or len(digits) > len(str(high)) or not low <= int(digits) <= high:
            raise self.error(f"must be a whole number from {low} to {high}")
        return int(digits)

    def _members(self) -> dict[str, Node]:
        if not isinstance(self.node.value, dict):
            raise self.error("must be a mapping")
        return self.node.value

    def _child(self, key: str, node: Node) -> "View":
        path = f"{self.path}.{key}" if self.path else key
        if path.count(".") > DEPTH_MAX * 2:
            raise self.error("is nested too deeply")
        return View(self.variables.resolve(node), path, self.variables)
