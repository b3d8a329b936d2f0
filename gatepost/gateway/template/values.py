"""The values file: what a template asks of an account, given by the developer instead.

Responsible for its form alone; who asks for a value says so when it is missing.
"""

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import fields

from gatepost.gateway.template.yaml_source import Node, read_file, scalar_text

if TYPE_CHECKING:
    from pathlib import Path


class Values(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in for a deployed account.

    `options`: what a command line of the framework would give `${opt:NAME}`. `parameters`: template
    parameters, Terraform variables and what `${param:NAME}` stands for, by name. `ssm`: parameters
    of Systems Manager by path. `cf`: outputs of other stacks, `stack.Output`, or
    `eu-west-1:stack.Output` for one region's. `s3`: contents of objects, `bucket/key`. `imports`:
    exported values by export name. `secrets`: secrets by what stands after
    `resolve:secretsmanager:`. `resources`: attributes of resources that are not emulated, by
    logical id (Terraform: by address), with `Ref` for what Ref gives.
    """

    options: dict[str, str] = {}
    parameters: dict[str, str] = {}
    ssm: dict[str, str] = {}
    cf: dict[str, str] = {}
    s3: dict[str, str] = {}
    imports: dict[str, str] = {}
    secrets: dict[str, str] = {}
    resources: dict[str, dict[str, str]] = {}


NO_VALUES = Values()


def read_values(path: "Path") -> Values:
    """Read a values file, YAML or JSON; numbers and booleans count as their text.

    Raises TemplateError, with file and line, for an unknown section and a value of another form.
    """
    root = read_file(path, str(path))
    if root.value is None:
        return NO_VALUES
    known = [field.name for field in fields(Values)]
    sections = _members(root, "the file")
    for name, section in sections.items():
        if name not in known:
            raise section.place.error(f"{name} is no section; known are {', '.join(known)}")
    resources = _members(sections.get("resources"), "resources")
    return Values(
        resources={name: _texts(node, f"resources.{name}") for name, node in resources.items()},
        **{name: _texts(node, name) for name, node in sections.items() if name != "resources"},
    )


def _members(node: Node | None, path: str) -> dict[str, Node]:
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        raise node.place.error(f"{path} must be a mapping")
    return node.value


def _texts(node: Node, path: str) -> dict[str, str]:
    texts = {}
    for name, member in _members(node, path).items():
        if member.value is None or isinstance(member.value, dict | list):
            raise member.place.error(f"{path}.{name} must be a text")
        texts[name] = scalar_text(member.value)
    return texts
