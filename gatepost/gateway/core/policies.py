"""Policies that a Lambda authorizer returns: whether they allow an action on a resource.

As much of the language of IAM as such policies use: Effect, Action and Resource with `*` and `?`.
"""

import re
from functools import lru_cache
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

INVOKE: Final = "execute-api:Invoke"
"""What a client does at `$connect`."""


class Statement(Struct, frozen=True, rename="pascal"):
    """One statement. Those parts that are not emulated are read only to be noticed."""

    effect: Literal["Allow", "Deny"]
    action: str | list[str] | UnsetType = UNSET
    resource: str | list[str] | UnsetType = UNSET
    not_action: Any = UNSET
    not_resource: Any = UNSET
    condition: Any = UNSET

    def fits(self, action: str, resource: str) -> bool:
        """Whether the statement is about this action, whose case is free, on this resource."""
        return any(
            _pattern(given.lower()).fullmatch(action.lower()) for given in _each(self.action)
        ) and any(_pattern(given).fullmatch(resource) for given in _each(self.resource))

    def problem(self) -> str | None:
        """Say what keeps the statement from being judged."""
        others = {
            "NotAction": self.not_action,
            "NotResource": self.not_resource,
            "Condition": self.condition,
        }
        for name, given in others.items():
            if given is not UNSET:
                return f"{name} is not emulated; use Effect, Action and Resource"
        if self.action is UNSET or self.resource is UNSET:
            return "a statement needs Effect, Action and Resource"
        return None


class Policy(Struct, frozen=True, rename="pascal"):
    """A policy document."""

    statement: Statement | list[Statement]

    @property
    def statements(self) -> list[Statement]:
        """The statements, of which a document may have one without a list."""
        return [self.statement] if isinstance(self.statement, Statement) else self.statement

    def problem(self) -> str | None:
        """Say what keeps the policy from being judged, if anything does."""
        return next((why for each in self.statements if (why := each.problem())), None)

    def allows(self, action: str, resource: str) -> bool:
        """Whether some statement allows it and none denies it (B-077, B-078)."""
        effects = {each.effect for each in self.statements if each.fits(action, resource)}
        return effects == {"Allow"}


def _each(given: str | list[str] | UnsetType) -> list[str]:
    if isinstance(given, UnsetType):
        return []
    return [given] if isinstance(given, str) else given


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    """Compile `*` (any characters, `/` too) and `?` (one); it never takes more than linear time."""
    first, *others = (re.escape(part).replace(r"\?", ".") for part in text.split("*"))
    if not others:
        return re.compile(first, re.DOTALL)
    *inner, last = others
    between = "".join(f"(?>.*?{part})" for part in inner)
    return re.compile(f"{first}{between}.*{last}", re.DOTALL)
