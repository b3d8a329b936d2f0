"""Typed access to the properties of a CloudFormation resource, with its functions carried out.

Responsible for "this must be a text, a number, a list of texts" after Ref, If and the others, with
the place and the path of what is not. What a property means is up to the module that asks for it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.gateway.template.view import View
from gatepost.gateway.template.yaml_source import Node, scalar_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatepost.gateway.template.errors import Place, TemplateError
    from gatepost.gateway.template.intrinsics import Intrinsics, Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A mapping of properties; `view` is where it stands, for messages."""

    view: View
    properties: "Mapping[str, View]"
    intrinsics: "Intrinsics"

    @property
    def place(self) -> "Place":
        """Where the part stands."""
        return self.view.place

    def error(self, message: str) -> "TemplateError":
        """Return the error to raise for something wrong with the part as a whole."""
        return self.view.error(message)

    def get(self, key: str) -> View | None:
        """Return a property, or None if it is absent, null or AWS::NoValue."""
        view = self.properties.get(key)
        if view is None or view.is_empty:
            return None
        return self.intrinsics.chosen(view)

    def require(self, key: str) -> View:
        """Return a property that must be there."""
        view = self.get(key)
        if view is None:
            raise self.error(f"needs {key}")
        return view

    def plain(self, key: str) -> "Plain":
        """Return a property as plain data; None if it is absent."""
        view = self.get(key)
        return None if view is None else self.intrinsics.plain(view)

    def text(self, key: str) -> str | None:
        """Return a property that is a text; None if it is absent or empty."""
        view = self.get(key)
        return None if view is None else self.intrinsics.text(view) or None

    def require_text(self, key: str) -> str:
        """Return a property that must be a text and not empty."""
        text = self.text(key)
        if text is None:
            raise self.error(f"needs {key}")
        return text

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a property that is a list of texts, or one text; () if it is absent."""
        value = self.plain(key)
        items = value if isinstance(value, list) else [] if value is None else [value]
        if any(item is None or isinstance(item, list | dict) for item in items):
            raise self.require(key).error("must be a list of texts")
        return tuple(scalar_text(item) for item in items if not isinstance(item, list | dict))

    def text_map(self, key: str) -> dict[str, str]:
        """Return a property that is a mapping of texts; {} if it is absent."""
        value = self.plain(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.require(key).error("must be a mapping")
        for name, item in value.items():
            if isinstance(item, list | dict):
                raise self.require(key).error(f"must have a text for {name}")
        return {
            name: scalar_text(item)
            for name, item in value.items()
            if not isinstance(item, list | dict)
        }

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a property that is true or false, also written as a text."""
        view = self.get(key)
        if view is None:
            return default
        text = self.intrinsics.text(view)
        if text not in {"true", "false", "True", "False"}:
            raise view.error("must be true or false")
        return text.lower() == "true"

    def integer(self, key: str, low: int, high: int) -> int | None:
        """Return a whole number within bounds; None if it is absent."""
        view = self.get(key)
        text = None if view is None else self.intrinsics.text(view)
        if view is None or text is None:
            return None
        if not text.isdecimal() or len(text) > len(str(high)) or not low <= int(text) <= high:
            raise view.error(f"must be a whole number from {low} to {high}")
        return int(text)

    def number(self, key: str, high: float) -> float | None:
        """Return a number from 0 to `high`; None if it is absent."""
        view = self.get(key)
        text = None if view is None else self.intrinsics.text(view)
        if view is None or text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number <= high:
            raise view.error(f"must be a number from 0 to {high:g}")
        return number

    def part(self, key: str) -> "Part | None":
        """Return a property that is a mapping of further properties; None if it is absent."""
        view = self.get(key)
        return None if view is None else part_of(view, self.intrinsics)

    def parts(self, key: str) -> "Iterator[Part]":
        """Iterate over a property that is a list of mappings."""
        view = self.get(key)
        if view is None:
            return
        for element in view.elements():
            chosen = self.intrinsics.chosen(element)
            if chosen is not None:
                yield part_of(chosen, self.intrinsics)

    def named_parts(self, key: str) -> "Iterator[tuple[str, Part]]":
        """Iterate over a property that is a mapping of mappings."""
        owner = self.part(key)
        if owner is None:
            return
        for name in owner.properties:
            member = owner.part(name)
            if member is not None:
                yield name, member


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Part):
    """A resource of a stack that its conditions let be made."""

    logical_id: str
    kind: str


def part_of(view: View, intrinsics: "Intrinsics") -> Part:
    """Return the mapping at `view` as a part."""
    return Part(view=view, properties=dict(view.items()), intrinsics=intrinsics)


def written(value: "Plain", at: View, path: str) -> View:
    """Return plain data as if it stood in the template at `at`, under `path`."""
    return View(_node(value, at.place), path, at.variables)


def _node(value: "Plain", place: "Place") -> Node:
    match value:
        case dict():
            return Node({key: _node(member, place) for key, member in value.items()}, place)
        case list():
            return Node([_node(item, place) for item in value], place)
        case _:
            return Node(value, place)
