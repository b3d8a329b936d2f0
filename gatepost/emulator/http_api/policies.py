"""What an authorizer's IAM policy says about one method's ARN.

Source: API Gateway Developer Guide, "Output from an API Gateway Lambda authorizer": a deny
wins, and what no statement allows is denied.
"""

import re
from functools import lru_cache
from typing import Literal, TypeVar

from msgspec import Struct

T = TypeVar("T")

Verdict = Literal["allowed", "denied", "denied explicitly"]


class Statement(Struct, frozen=True, rename="pascal"):
    """One statement; conditions are not looked at, so a statement with one never allows."""

    effect: Literal["Allow", "Deny"]
    action: str | list[str]
    resource: str | list[str]
    condition: dict[str, object] = {}


class PolicyDocument(Struct, frozen=True, rename="pascal"):
    """A policy document."""

    statement: Statement | list[Statement]


def verdict(policy: PolicyDocument, arn: str) -> Verdict:
    """Return what the policy says about invoking `arn`."""
    about = [each for each in _listed(policy.statement) if _is_about(each, arn)]
    if any(each.effect == "Deny" for each in about):
        return "denied explicitly"
    allowed = any(each.effect == "Allow" and not each.condition for each in about)
    return "allowed" if allowed else "denied"


def _is_about(statement: Statement, arn: str) -> bool:
    invokes = any(
        _expression(action.lower()).fullmatch("execute-api:invoke")
        for action in _listed(statement.action)
    )
    return invokes and any(
        _expression(resource).fullmatch(arn) for resource in _listed(statement.resource)
    )


def _listed(given: T | list[T]) -> list[T]:
    return given if isinstance(given, list) else [given]


@lru_cache(maxsize=256)
def _expression(pattern: str) -> re.Pattern[str]:
    """Make an expression of IAM's wildcards: `*` is any text, `?` any character."""
    # Runs of stars are one star, so that no pattern takes exponential time.
    parts = re.split(r"(\*+|\?)", pattern)
    wild = {"*": ".*", "?": "."}
    return re.compile(
        "".join(wild[part[0]] if part[:1] in wild else re.escape(part) for part in parts),
        re.DOTALL,
    )
