"""What the framework's variables stand for.

Responsible for looking values up, on demand and once each: only what somebody reads has to resolve.
The syntax is variable_syntax.py's. Nothing is looked up in AWS: what the values file gives stands
for it, and a variable that it lacks counts as having no value, so that its default is taken.

Meaning of the sources: the framework's documentation of variables; --stage and --region go before
the file, as they do there.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.errors import Place
from gatepost.gateway.template.values import NO_VALUES, Values
from gatepost.gateway.template.variable_syntax import (
    Literal,
    Lookup,
    Text,
    Variable,
    VariableSyntaxError,
    parse,
)
from gatepost.gateway.template.yaml_source import (
    Node,
    read_file,
    read_text,
    scalar_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatepost.gateway.template.yaml_source import Scalar

ACCOUNT_ID: Final = "123456789012"
"""The account that everything belongs to here."""

DEFAULT_STAGE: Final = "dev"
DEFAULT_REGION: Final = "us-east-1"

_STAGE: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")
_LOOKED_UP_IN_AWS: Final = ("cf", "s3", "ssm")
_CHAIN_MAX: Final = 50
_TEXT_MAX: Final = 256 * 1024


class _Missing(Exception):  # noqa: N818 - not an error yet: the next source may have a value
    """A source has no value; the text says why."""


@dataclass(slots=True)
class Variables:
    """Resolves the variables of one template.

    `root` is its whole tree, `folder` where it lies; `values` answer what would be asked of AWS.
    """

    root: Node
    folder: Path
    options: "Mapping[str, str]"
    environ: "Mapping[str, str]"
    values: Values = NO_VALUES
    _resolved: dict[Node, Node] = field(default_factory=dict)
    _open: list[Node] = field(default_factory=list)
    _files: dict[str, Node] = field(default_factory=dict)

    def resolve(self, node: Node) -> Node:
        """Return `node` itself, or what its text stands for if that has variables.

        The members of a mapping or list are left as they are. Raises TemplateError for a variable
        without value, of unknown source, not well-formed, or that depends on itself.
        """
        if not isinstance(node.value, str) or "${" not in node.value:
            return node
        if node not in self._resolved:
            if node in self._open:
                raise node.place.error(f"{_short(node.value)} refers to itself")
            if len(self._open) >= _CHAIN_MAX:
                raise node.place.error(f"{_short(node.value)} stands behind too many variables")
            self._open.append(node)
            try:
                self._resolved[node] = self._evaluate(_parsed(node.value, node.place), node.place)
            except RecursionError:
                raise node.place.error("variables are nested too deeply here") from None
            finally:
                self._open.pop()
        return self._resolved[node]

    def at(self, *keys: str) -> Node | None:
        """Return what stands under these keys of the template, resolved; None if nothing does."""
        try:
            return self._walk(self.root, keys)
        except _Missing:
            return None

    def stage(self) -> str:
        """Return the stage: --stage, else provider.stage, else dev (B-009 for its characters)."""
        return self._choice("stage", _STAGE, default=DEFAULT_STAGE)

    def region(self) -> str:
        """Return the region: --region, provider.region, AWS_REGION, else us-east-1."""
        default = self.environ.get("AWS_REGION") or DEFAULT_REGION
        return self._choice("region", _REGION, default=default)

    def _choice(self, name: str, pattern: re.Pattern[str], *, default: str) -> str:
        value: Scalar | dict[str, Node] | list[Node] = self.options.get(name)
        place = Place(f"--{name}")
        if value is None:
            node = self.at("provider", name) or Node(default, self.root.place)
            value, place = node.value, node.place
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise place.error(f"{value!r} can't be a {name}")
        return value

    def _walk(self, node: Node, keys: "tuple[str, ...] | list[str]") -> Node:
        node = self.resolve(node)
        for key in keys:
            match node.value:
                case dict() as members if key in members:
                    node = self.resolve(members[key])
                case list() as items if key.isdecimal() and len(key) < 6 and int(key) < len(items):  # noqa: PLR2004
                    node = self.resolve(items[int(key)])
                case _:
                    raise _Missing(f"there is no {'.'.join(keys)}")
        if node.value is None:
            raise _Missing(f"{'.'.join(keys)} is empty" if keys else "it is empty")
        return node

    def _evaluate(self, text: Text, place: Place) -> Node:
        match text:
            case (Variable() as variable,):
                return self._value(variable, place)
            case _:
                return Node(self._joined(text, place), place)

    def _joined(self, text: Text, place: Place) -> str:
        """Return the text with every variable replaced by its value as text."""
        joined = ""
        for part in text:
            if isinstance(part, str):
                joined += part
                continue
            value = self._value(part, place).value
            if isinstance(value, dict | list):
                kind = "mapping" if isinstance(value, dict) else "list"
                raise place.error(f"{part.text} is a {kind}, which can't stand inside text")
            joined += scalar_text(value)
            if len(joined) > _TEXT_MAX:
                raise place.error("this text becomes too long")
        return joined

    def _value(self, variable: Variable, place: Place) -> Node:
        reasons = []
        for source in variable.sources:
            if isinstance(source, Literal):
                return Node(source.value, place)
            try:
                return self._looked_up(source, place)
            except _Missing as missing:
                reasons.append(str(missing))
        raise place.error(f"{variable.text} has no value: {'; '.join(dict.fromkeys(reasons))}")

    def _looked_up(self, lookup: Lookup, place: Place) -> Node:
        sources: dict[str, Callable[[Lookup, str, Place], Node]] = {
            "self": self._self,
            "opt": self._option,
            "env": self._environment,
            "file": self._file,
            "sls": self._framework,
            "param": self._param,
            "aws": self._aws,
            "strToBool": self._bool,
        }
        sources |= dict.fromkeys(_LOOKED_UP_IN_AWS, self._from_values)
        if lookup.type not in sources:
            raise place.error(
                f"unknown variable source '{lookup.type}'; known are {', '.join(sorted(sources))}"
            )
        return sources[lookup.type](lookup, self._joined(lookup.address, place), place)

    def _self(self, _lookup: Lookup, address: str, place: Place) -> Node:
        try:
            return self._walk(self.root, _keys(address))
        except _Missing:
            # The framework fills these two in when the file leaves them out.
            if address in {"provider.stage", "provider.region"}:
                chosen = self.stage() if address == "provider.stage" else self.region()
                return Node(chosen, place)
            raise

    def _option(self, _lookup: Lookup, address: str, place: Place) -> Node:
        if address not in self.options:
            way_out = "" if address == "stage" else _settable(address, "options")
            raise _Missing(f"option --{address} is not given{way_out}")
        return Node(self.options[address], place)

    def _environment(self, _lookup: Lookup, address: str, place: Place) -> Node:
        if address not in self.environ:
            raise _Missing(f"environment variable {address} is not set")
        return Node(self.environ[address], place)

    def _framework(self, _lookup: Lookup, address: str, place: Place) -> Node:
        if address == "stage":
            return Node(self.stage(), place)
        if address == "instanceId":
            return Node("local", place)
        raise place.error(f"there is no ${{sls:{address}}}; known are instanceId, stage")

    def _aws(self, _lookup: Lookup, address: str, place: Place) -> Node:
        if address == "region":
            return Node(self.region(), place)
        if address == "accountId":
            return Node(ACCOUNT_ID, place)
        source, _, rest = address.partition(":")
        if source in _LOOKED_UP_IN_AWS and rest:  # as version 4 of the framework also writes them
            return self._from_values(Lookup(source), rest, place)
        raise place.error(f"there is no ${{aws:{address}}}; known are accountId, region")

    def _from_values(self, lookup: Lookup, address: str, place: Place) -> Node:
        """Look up `${cf(eu-west-1):stack.Output}` with its region first, then without."""
        given = {"cf": self.values.cf, "s3": self.values.s3, "ssm": self.values.ssm}[lookup.type]
        region = self._joined(lookup.params[0], place) if lookup.params else ""
        for name in (f"{region}:{address}", address):
            if name in given:
                return Node(given[name], place)
        raise _Missing("it asks AWS, which is not done here" + _settable(address, lookup.type))

    def _param(self, _lookup: Lookup, address: str, place: Place) -> Node:
        if address in self.values.parameters:
            return Node(self.values.parameters[address], place)
        for stage in (self.stage(), "default"):
            # `stages` is where version 4 of the framework keeps them.
            for path in (("params", stage, address), ("stages", stage, "params", address)):
                if (node := self.at(*path)) is not None:
                    return node
        raise _Missing(
            f"params has no {address} for stage {self.stage()}, nor a default"
            + _settable(address, "parameters")
        )

    def _bool(self, lookup: Lookup, _address: str, place: Place) -> Node:
        text = self._joined(lookup.params[0], place) if lookup.params else ""
        known = {"true": True, "1": True, "false": False, "0": False}
        if text.strip().lower() not in known:
            raise place.error(f"strToBool takes true, false, 1 or 0, not {text!r}")
        return Node(known[text.strip().lower()], place)

    def _file(self, lookup: Lookup, address: str, place: Place) -> Node:
        name = self._joined(lookup.params[0], place) if lookup.params else ""
        if not name:
            raise place.error("file() needs a path")
        if name not in self._files:
            self._files[name] = self._read(name, place)
        return self._walk(self._files[name], _keys(address))

    def _read(self, name: str, place: Place) -> Node:
        path = self.folder / name
        shown = str(Path(self.root.place.file).parent / name)
        try:
            missing = not path.exists()
        except (OSError, ValueError):
            missing = True
        if missing:
            raise _Missing(f"there is no file {name}")
        if path.is_dir():
            raise place.error(f"{name} is a folder, not a file")
        match path.suffix:
            case ".yml" | ".yaml" | ".json":
                return read_file(path, shown)
            case ".js" | ".cjs" | ".mjs" | ".ts":
                raise place.error(
                    f"{name}: code is not run here; only YAML and JSON files are read"
                )
            case _:
                return Node(read_text(path, shown), Place(shown))


def _settable(name: str, section: str) -> str:
    return f"; a file given by --values can set it, as {name} of {section}"


def _parsed(text: str, place: Place) -> Text:
    try:
        return parse(text)
    except VariableSyntaxError as error:
        raise place.error(f"malformed variable: {error}") from None


def _keys(address: str) -> list[str]:
    return address.split(".") if address else []


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "..."  # noqa: PLR2004
