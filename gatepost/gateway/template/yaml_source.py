"""Template files as trees that remember where each value stands.

Responsible for YAML and JSON syntax, CloudFormation's short tags, anchors and merge keys, duplicate
keys and bounds on size and depth. It knows nothing of variables or of what the values mean.

Scalars follow YAML 1.2, as the framework's own parser does: `yes`, `on` and `012` are not special.
"""

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import yaml

from gatepost.gateway.template.errors import Place, TemplateError

if TYPE_CHECKING:
    from pathlib import Path

FILE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest template file; CloudFormation itself takes 1 MiB."""

DEPTH_MAX: Final = 64
"""Deepest nesting of mappings and lists."""

Scalar = str | int | float | bool | None

_STANDARD: Final = "tag:yaml.org,2002:"
_FUNCTIONS: Final = (
    *("And", "Base64", "Cidr", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue"),
    *("Join", "Length", "Not", "Or", "Select", "Split", "Sub", "ToJsonString", "Transform"),
)
_INTRINSICS: Final = {
    "!Ref": "Ref",
    "!Condition": "Condition",
    **{f"!{name}": f"Fn::{name}" for name in _FUNCTIONS},
}
_INT_DIGITS_MAX: Final = 300


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value of a file and its place. Two nodes are equal only if they are the same one."""

    value: "Scalar | dict[str, Node] | list[Node]"
    place: Place


def read_file(path: "Path", name: str) -> Node:
    """Read a YAML or JSON file; `name` is what messages call it.

    Raises TemplateError for a file that is missing, too large, not UTF-8 or not well-formed.
    """
    text = read_text(path, name)
    return parse_json(text, name) if path.suffix == ".json" else parse_yaml(text, name)


def read_text(path: "Path", name: str) -> str:
    """Read a text file of bounded size, or raise TemplateError."""
    place = Place(name)
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise place.error("no such file") from None
    except IsADirectoryError:
        raise place.error("is a folder, not a file") from None
    except UnicodeDecodeError:
        raise place.error("is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise place.error(f"can't be read: {reason}") from None
    if len(content) > FILE_BYTES_MAX:
        raise place.error(f"is larger than {FILE_BYTES_MAX // 1024 // 1024} MiB")
    return text


def parse_json(text: str, name: str) -> Node:
    """Parse JSON. Every value has the place of the file: JSON's parser keeps no lines."""
    place = Place(name)
    try:
        return _from_json(json.loads(text), place, depth=0)
    except json.JSONDecodeError as error:
        raise TemplateError(error.msg, file=name, line=error.lineno) from None
    except (RecursionError, ValueError) as error:
        raise place.error(f"can't be read: {error}") from None


def _from_json(value: object, place: Place, *, depth: int) -> Node:
    if depth > DEPTH_MAX:
        raise place.error(f"is nested deeper than {DEPTH_MAX} levels")
    match value:
        case dict():
            members = {
                key: _from_json(member, place, depth=depth + 1) for key, member in value.items()
            }
            return Node(members, place)
        case list():
            return Node([_from_json(item, place, depth=depth + 1) for item in value], place)
        case str() | int() | float() | None:
            return Node(value, place)
        case _:
            raise AssertionError(value)


def parse_yaml(text: str, name: str) -> Node:
    """Parse one YAML document; an empty one is null."""
    place = Place(name)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise TemplateError(f"not valid YAML: {problem}", file=name, line=line) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise TemplateError(f"not valid YAML: {error.reason}", file=name, line=line) from None
    except RecursionError:
        raise place.error(f"is nested deeper than {DEPTH_MAX} levels") from None
    return Node(None, place) if root is None else _Conversion(name).convert(root, depth=0)


class _Loader(yaml.SafeLoader):
    """PyYAML's loader with the scalars of YAML 1.2; only its composer is used."""

    # Its own table of scalars, instead of a copy of its base class's.
    yaml_implicit_resolvers = {}  # noqa: RUF012 - declared by the base class


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"(?:\.[0-9]+|[-+]?[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(_STANDARD + _tag, re.compile(rf"(?:{_pattern})\Z"), list(_first))


@dataclass(slots=True)
class _Conversion:
    """Turns one file's YAML nodes into Nodes; a value used twice by alias stays one Node."""

    name: str
    done: dict[int, Node] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)

    def convert(self, source: yaml.Node, *, depth: int) -> Node:
        if id(source) in self.done:
            return self.done[id(source)]
        place = self._place(source)
        if id(source) in self.open:
            raise place.error("an alias here contains itself")
        if depth > DEPTH_MAX:
            raise place.error(f"is nested deeper than {DEPTH_MAX} levels")
        self.open.add(id(source))
        node = self._tagged(source, place, depth=depth)
        self.open.remove(id(source))
        self.done[id(source)] = node
        return node

    def _place(self, source: yaml.Node) -> Place:
        return Place(self.name, source.start_mark.line + 1)

    def _tagged(self, source: yaml.Node, place: Place, *, depth: int) -> Node:
        tag = str(source.tag)
        if tag.startswith(_STANDARD):
            return self._untagged(source, place, depth=depth)
        if tag not in _INTRINSICS:
            raise place.error(f"unknown YAML tag {tag}")
        argument = self._untagged(source, place, depth=depth)
        if tag == "!GetAtt" and isinstance(argument.value, str):
            parts = [Node(part, place) for part in argument.value.split(".", 1)]
            argument = Node(parts, place)
        return Node({_INTRINSICS[tag]: argument}, place)

    def _untagged(self, source: yaml.Node, place: Place, *, depth: int) -> Node:
        match source:
            case yaml.MappingNode():
                return Node(self._members(source, depth=depth), place)
            case yaml.SequenceNode():
                return Node([self.convert(item, depth=depth + 1) for item in source.value], place)
            case _:
                return Node(_scalar(source, place), place)

    def _members(self, source: yaml.MappingNode, *, depth: int) -> dict[str, Node]:
        merged: dict[str, Node] = {}
        members: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key, value in source.value:
            place = self._place(key)
            if not isinstance(key, yaml.ScalarNode):
                raise place.error("a key must be plain text")
            if key.tag == _STANDARD + "merge":
                self._merge(merged, self.convert(value, depth=depth + 1))
                continue
            name = str(key.value)
            if name in members:
                raise place.error(f"{name!r} stands here twice, first in line {lines[name]}")
            members[name] = self.convert(value, depth=depth + 1)
            lines[name] = place.line or 0
        return merged | members

    def _merge(self, into: dict[str, Node], source: Node) -> None:
        """Take over the members of `<<:`; where several mappings have a key, the first wins."""
        parts = source.value if isinstance(source.value, list) else [source]
        for part in parts:
            if not isinstance(part.value, dict):
                raise part.place.error("'<<' takes a mapping or a list of mappings")
            for key, value in part.value.items():
                into.setdefault(key, value)


def _scalar(source: yaml.Node, place: Place) -> Scalar:
    text = str(source.value)
    plain = str(source.tag).removeprefix(_STANDARD)
    match plain:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int" if len(text) > _INT_DIGITS_MAX:
            raise place.error("this number has too many digits")
        case "int" | "float":
            return _number(text, place)
        case _:
            return text


def _number(text: str, place: Place) -> int | float:
    try:
        if text[:2] in {"0b", "0o", "0x"}:
            return int(text, 0)
        return int(text) if text.lstrip("-+").isdecimal() else float(text)
    except ValueError:
        raise place.error(f"{text!r} is not a number") from None


def scalar_text(value: Scalar) -> str:
    """Return a scalar as the framework writes it into text: `true`, `1` for 1.0, `` for null."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
