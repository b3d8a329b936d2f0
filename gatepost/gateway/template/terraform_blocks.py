"""Blocks within a resource of a plan, such as a function's `environment`.

Responsible for their attributes, also those of blocks that `dynamic` makes, as the modules that
others publish have them. What the attributes come to is terraform_values.py's.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gatepost.gateway.template.terraform_plan import Unknown
from gatepost.gateway.template.terraform_values import Scope, holds_true

if TYPE_CHECKING:
    from gatepost.gateway.template.hcl_tree import Body
    from gatepost.gateway.template.terraform_plan import Resource
    from gatepost.gateway.template.terraform_values import Evaluator


def nested(evaluator: "Evaluator", resource: "Resource", block: str, name: str) -> object:
    """Return an attribute of the only block of a kind, as `environment` has `variables`.

    Unknown if it is, or a map with those members unknown that are.
    """
    planned = _first(resource.values.get(block))
    unknown = _first(resource.unknown.get(block))
    known = planned.get(name)
    if not holds_true(unknown.get(name)):
        return known
    body = resource.block()
    written = None if body is None else _written(evaluator, resource, body, block)
    if written is None or name not in written[0].attributes:
        lost = Unknown(f"{resource.address}.{block}.{name}")
        return {**dict.fromkeys(_names(unknown.get(name)), lost), **(known or {})} or lost
    inner, scope = written
    return evaluator.evaluate(inner.attributes[name], scope)


def _written(
    evaluator: "Evaluator", resource: "Resource", body: "Body", block: str
) -> "tuple[Body, Scope] | None":
    """Return the sources of a block, and the scope that its expressions stand in."""
    scope = Scope(resource.module, body, resource.key)
    if (inner := body.block(block)) is not None:
        return inner, scope
    dynamic = body.block("dynamic", block)
    content = None if dynamic is None else dynamic.block("content")
    if dynamic is None or content is None or "for_each" not in dynamic.attributes:
        return None
    made_for = evaluator.evaluate(dynamic.attributes["for_each"], scope)
    return content, replace(scope, names={block: _first_of(made_for)})


def _first_of(made_for: object) -> object:
    """Return what the block's name means within it: key and value of the first that it is for."""
    match made_for:
        case dict() if made_for:
            key = next(iter(sorted(made_for)))
            return {"key": key, "value": made_for[key]}
        case [value, *_]:
            return {"key": 0, "value": value}
        case _:
            return Unknown("what a dynamic block is for")


def _first(blocks: object) -> dict[str, Any]:
    first = blocks[0] if isinstance(blocks, list) and blocks else blocks
    return first if isinstance(first, dict) else {}


def _names(unknown: object) -> list[str]:
    return [name for name, lost in unknown.items() if lost] if isinstance(unknown, dict) else []
