"""`--fault NAME=VALUE` of the command line, as Faults."""

from collections.abc import Sequence
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec

from gatepost.emulator.errors import UserError
from gatepost.gateway.core.faults import Faults


def parse_faults(flags: Sequence[str]) -> Faults:
    """Put the flags together; the last of a name counts, but lists of connections add up.

    Raises UserError with the flag that is at fault, and what would be right.
    """
    values: dict[str, object] = {}
    for flag in flags:
        name, _, value = flag.partition("=")
        if name not in Faults.__struct_fields__:
            known = ", ".join(Faults.__struct_fields__)
            raise UserError(f"--fault {flag}: there is no fault {name!r}. There are: {known}.")
        if not value:
            raise UserError(f"--fault {flag}: expected NAME=VALUE.")
        values[name] = _value(flag, value, values.get(name))
    return msgspec.convert(values, Faults, strict=False)


def _value(flag: str, value: str, before: object) -> object:
    """Return what `value` stands for, checked as the fault wants it."""
    name = flag.partition("=")[0]
    default = getattr(Faults(), name)
    given: object = value
    if isinstance(default, tuple):
        earlier = before if isinstance(before, tuple) else ()
        given = (*earlier, *filter(None, value.split(",")))
    try:
        return getattr(msgspec.convert({name: given}, Faults, strict=False), name)
    except msgspec.ValidationError as error:
        reason = str(error).partition(" - at ")[0]
        raise UserError(f"--fault {flag}: {reason}.{_choices(name)}") from error


def _choices(name: str) -> str:
    """Say what there is to choose from, where a fault is a choice."""
    kind = get_type_hints(Faults)[name]
    return f" There are: {', '.join(get_args(kind))}." if get_origin(kind) is Literal else ""
