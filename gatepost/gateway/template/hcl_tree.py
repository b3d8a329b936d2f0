"""What a Terraform file consists of: blocks, attributes and expressions, as plain data."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, true, false, null or text without anything to fill in."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Template:
    """A text whose parts are put together."""

    parts: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Name:
    """The first word of a reference: `var`, `local`, a resource's type."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`of.name` and `of[key]`; a `name` is a Literal."""

    of: "Expression"
    key: "Expression"


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    name: str
    arguments: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Items:
    """`[a, b]`."""

    items: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Pairs:
    """`{ key = value }`; a plain word as key is a Literal."""

    pairs: "tuple[tuple[Expression, Expression], ...]"


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? then : otherwise`."""

    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands and what stands between them."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Loop:
    """`[for i, x in of : value if condition]`, with `key` the one that makes a map.

    `grouped` stands for `...` after the value. A splat `of[*].a` is one whose name is `*`.
    """

    names: tuple[str, ...]
    of: "Expression"
    key: "Expression | None"
    value: "Expression"
    condition: "Expression | None" = None
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """The last argument of a call where `...` follows it: a list of arguments."""

    of: "Expression"


@dataclass(frozen=True, slots=True)
class NotRead:
    """An expression of a form that isn't carried out; `text` is how it begins."""

    text: str


Expression: TypeAlias = (
    Literal
    | Template
    | Name
    | Member
    | Call
    | Spread
    | Items
    | Pairs
    | Choice
    | Operation
    | Loop
    | NotRead
)


@dataclass(slots=True)
class Body:
    """What stands in a file or block: attributes, and blocks by type with their labels."""

    attributes: dict[str, Expression] = field(default_factory=dict)
    blocks: "list[tuple[str, tuple[str, ...], Body]]" = field(default_factory=list)

    def block(self, kind: str, *labels: str) -> "Body | None":
        """Return the first block of this type and with these labels."""
        return next((body for name, given, body in self.blocks if (name, given) == (kind, labels)),
                    None)  # fmt: skip
