"""Options of the command line that are NAME=VALUE and may be repeated, as fields of a Struct."""

import re
from collections.abc import Sequence
from contextlib import suppress
from math import isfinite
from typing import Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from gatepost.emulator.errors import UserError

S = TypeVar("S", bound=msgspec.Struct)

_TYPE: Final = re.compile(r"`(\w+)`")
_WORDS: Final = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "object": "an object in JSON",
}


def parse_named_values(kind: str, flags: Sequence[str], base: S) -> S:
    """Return `base` with what the flags of the option `--KIND` set, each checked as its field is.

    The last of a name counts, but lists add up; an object is written as JSON. Raises UserError with
    the flag that is at fault, and what would be right.
    """
    values: dict[str, object] = {}
    for flag in flags:
        name, _, value = flag.partition("=")
        if name not in base.__struct_fields__:
            known = ", ".join(base.__struct_fields__)
            raise UserError(f"--{kind} {flag}: there is no {kind} {name!r}. There are: {known}.")
        if not value:
            raise UserError(f"--{kind} {flag}: expected NAME=VALUE.")
        given = _given(value, before=values.get(name), default=getattr(base, name))
        try:
            checked = msgspec.convert({name: given}, type(base), strict=False)
        except msgspec.ValidationError as error:
            reason = _in_words(str(error).partition(" - at ")[0])
            choices = _choices(type(base), name)
            raise UserError(f"--{kind} {flag}: {reason}.{choices}") from error
        values[name] = _finite(f"--{kind} {flag}", getattr(checked, name))
    return msgspec.structs.replace(base, **values)


def _finite(said: str, value: object) -> object:
    """Return the value, unless it is a float that nothing can be compared with."""
    if isinstance(value, float) and not isfinite(value):
        raise UserError(f"{said}: Expected a finite number.")
    return value


def _in_words(reason: str) -> str:
    """Say what msgspec says of types as the command line's reader calls them."""
    return _TYPE.sub(lambda found: _WORDS.get(found[1], found[0]), reason)


def _choices(struct: type[msgspec.Struct], name: str) -> str:
    """Say what there is to choose from, where a field is a choice of texts."""
    kind = get_type_hints(struct)[name]
    chosen = get_args(kind) if get_origin(kind) is Literal else ()
    return f" There are: {', '.join(map(str, chosen))}." if chosen else ""


def _given(value: str, *, before: object, default: object) -> object:
    """Return what a text stands for, as far as its field's type does not say it."""
    if isinstance(default, tuple):
        earlier = before if isinstance(before, tuple) else ()
        return (*earlier, *filter(None, value.split(",")))
    if value.startswith("{") and not isinstance(default, str):
        with suppress(msgspec.DecodeError):  # what is none then is no object either
            return msgspec.json.decode(value)
    return value
