"""Which resource of a Terraform plan an attribute refers to.

Responsible for links alone: a route's integration, an integration's function. Known by value where
there is one; else by what the plan says that an expression mentions, which is less than the
expression itself.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.terraform_plan import Unknown

if TYPE_CHECKING:
    from gatepost.gateway.template.terraform_plan import Key, Module, Resource
    from gatepost.gateway.template.terraform_values import Evaluator

_DEPTH_MAX: Final = 40
_SEVERAL: Final = 2
_API: Final = "aws_apigatewayv2_api"
_API_ID: Final = "api_id"
_REFERENCE: Final = re.compile(
    r"(?:data\.)?(?P<kind>[\w-]+)\.(?P<name>[\w-]+)(?:\[(?P<key>[^\]]*)\])?(?:\.(?P<output>[\w-]+))?"
)
_FUNCTION_IN_ARN: Final = re.compile(r":function:(?P<name>[A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class _At:
    """Where an expression stands: its module, and which instance it is one of.

    `for_each` is what the instances are made for; `by_key` holds within what `each.value` is.
    """

    module: "Module"
    key: "Key"
    for_each: object = None
    by_key: bool = False


def linked(
    evaluator: "Evaluator", resource: "Resource", name: str, *types: str
) -> "Resource | None":
    """Return the resource of these types whose id, name or ARN an attribute holds.

    None for an attribute that is null. Raises TemplateError when there is none, or none that
    can be told from the others.
    """
    value = evaluator.attribute(resource, name)
    if value is None or value == "":
        return None
    candidates = evaluator.plan.of_type(*types)
    if isinstance(value, Unknown):
        found = referred(resource, name, types) or _of_same_api(evaluator, resource, candidates)
    else:
        by_address = [one for one in candidates if one.address == value]
        found = by_address or [one for one in candidates if _is(evaluator, one, str(value))]
    if len(found) == 1:
        return found[0]
    advice = f"a file given by --values can name it: resources, {resource.address}, {name}"
    if isinstance(value, Unknown):
        origin = "" if value.reason == f"{resource.address}.{name}" else f" from {value.reason}"
        which = " or ".join(one.address for one in found[:4]) or "no resource of the plan"
        more = f" or {len(found) - 4} others" if len(found) > 4 else ""  # noqa: PLR2004 - as above
        raise evaluator.error(
            resource,
            f"has {name}{origin} that is unknown until apply and may be {which}{more}. "
            f"{keep_with_sources(resource)}{advice}",
        )
    raise evaluator.error(resource, f"has {name} {value!r}, which is not in the plan; {advice}")


def keep_with_sources(resource: "Resource") -> str:
    """Return the advice to keep the plan with its sources, and "or ", where they aren't there."""
    if resource.block() is not None:
        return ""
    return "Keep the plan in the folder of its .tf files; or "


def _of_same_api(
    evaluator: "Evaluator", resource: "Resource", candidates: "list[Resource]"
) -> "list[Resource]":
    """Leave out parts of another API than the resource's own."""
    if len(candidates) < _SEVERAL or not _has_api(resource):
        return candidates
    api = linked(evaluator, resource, _API_ID, _API)
    return [
        one
        for one in candidates
        if not _has_api(one) or linked(evaluator, one, _API_ID, _API) is api
    ]


def _has_api(resource: "Resource") -> bool:
    return _API_ID in resource.values or resource.unknown.get(_API_ID) is True


def _is(evaluator: "Evaluator", resource: "Resource", value: str) -> bool:
    """Say whether a value that refers to some resource means this one."""
    if resource.type == "aws_lambda_function":
        named = _FUNCTION_IN_ARN.search(value)
        return evaluator.attribute(resource, "function_name") == (named["name"] if named else value)
    last = value.rpartition("/")[2]
    return evaluator.attribute(resource, "id") in (value, last)


def referred(resource: "Resource", name: str, types: tuple[str, ...]) -> "list[Resource]":
    """Return what the plan says that an attribute refers to, without its sources."""
    expression = resource.expressions.get(name)
    at = _At(resource.module, resource.key, resource.for_each)
    found = [one for one in _references(expression, at, 0) if one.type in types]
    return list(dict.fromkeys(found))


def _references(expression: object, at: _At, depth: int) -> "list[Resource]":
    references = expression.get("references") if isinstance(expression, dict) else None
    if not isinstance(references, list) or depth > _DEPTH_MAX:
        return []
    by_key = at.by_key or any(str(one).startswith(("each.", "count.")) for one in references)
    found: list[Resource] = []
    for one in _longest([str(reference) for reference in references]):
        if one.startswith("each.value"):
            made_for = replace(at, for_each=None, by_key=True)
            found += _references(at.for_each, made_for, depth + 1)
        else:
            found += _reference(one, at, by_key=by_key, depth=depth)
    return found


def _longest(references: list[str]) -> list[str]:
    """Leave out `a.b` where `a.b.c` or `a.b["c"]` is mentioned: the plan repeats it so."""
    return [
        one
        for one in references
        if not any(other.startswith((f"{one}.", f"{one}[")) for other in references)
    ]


def _reference(reference: str, at: _At, *, by_key: bool, depth: int) -> "list[Resource]":
    if reference.startswith("var."):
        if at.module.parent is None:
            return []
        call, own = at.module.call(), at.module.key
        argument = call.expressions.get(reference.removeprefix("var."))
        # Keys of a map that is passed on are keys of what it is made of, as a rule.
        passed_on = at.by_key and own is None
        key = at.key if passed_on else own
        outer = _At(at.module.parent, key, call.for_each_expression, passed_on)
        return _references(argument, outer, depth + 1)
    found = _REFERENCE.match(reference)
    if found is None:
        return []
    if found["kind"] == "module":
        return _of_modules(found, at, by_key=by_key, depth=depth)
    same = [
        one for one in at.module.resources if (one.type, one.name) == (found["kind"], found["name"])
    ]
    meant = [one for one in same if _is_meant(one.key, found["key"], at.key if by_key else None)]
    return meant or same  # `each.value` says nothing of the index


def _is_meant(key: "Key", given: str | None, own: "Key") -> bool:
    """Say whether an instance is meant: by its index, else by that of who refers to it."""
    if key is None:
        return True
    return json.dumps(key) == given if given is not None else own in (None, key)


def _of_modules(found: "re.Match[str]", at: _At, *, by_key: bool, depth: int) -> "list[Resource]":
    """Return what an output of a module refers to, or any output if none is named."""
    resources: list[Resource] = []
    for child in at.module.children:
        if child.name != found["name"]:
            continue
        if _is_meant(child.key, found["key"], at.key if by_key else None):
            outputs = child.config.outputs
            output = outputs.get(found["output"] or "")
            for one in outputs.values() if output is None else [output]:
                resources += _references(one.expression, _At(child, None), depth + 1)
    return resources
