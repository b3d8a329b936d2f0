"""What the values of a Terraform plan come to, also those that are unknown until apply.

An attribute is, in this order: what the values file gives, what the plan says, what the local cloud
gives in AWS's place (ids, ARNs, endpoints), what the sources beside the plan put together from
those. Else it is Unknown.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.template import terraform_known
from gatepost.gateway.template.hcl_functions import FUNCTIONS, OPERATIONS, TEXT_MAX, text
from gatepost.gateway.template.hcl_tree import (
    Call,
    Choice,
    Expression,
    Items,
    Literal,
    Loop,
    Member,
    Name,
    NotRead,
    Operation,
    Pairs,
    Spread,
    Template,
)
from gatepost.gateway.template.terraform_plan import Module, Resource, Unknown
from gatepost.gateway.template.values import NO_VALUES, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatepost.gateway.template.errors import TemplateError
    from gatepost.gateway.template.terraform_plan import Key, Plan

UNTIL_APPLY: Final = "which is only known once it is applied; a file given by --values can set it"

_DEPTH_MAX: Final = 40
_STEPS_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands: its module, and the instance if it is one of several."""

    module: "Module"
    block: "object | None" = None
    key: "Key" = None
    names: dict[str, object] = field(default_factory=dict)  # of `for`, what each is now


@dataclass(slots=True)
class Evaluator:
    """Values of one plan; `stand_in` gives, in environments alone, what stays unknown."""

    plan: "Plan"
    region: str
    values: Values = NO_VALUES
    stand_in: "Callable[[Resource, str], str | None] | None" = None
    _steps: int = 0
    _depth: int = 0
    _locals: "dict[tuple[int, str], object]" = field(default_factory=dict)

    def attribute(self, resource: "Resource", name: str) -> object:
        """Return an attribute of a resource, None if it is null, or Unknown."""
        given = self.values.resources.get(resource.address, {})
        if name in given:
            return given[name]
        if name in resource.values and not holds_true(resource.unknown.get(name)):
            return resource.values[name]
        known = terraform_known.attribute(self, resource, name)
        if known is not None:
            return known
        block = resource.block()
        if block is not None and name in block.attributes:
            scope = Scope(resource.module, block, resource.key)
            value = self.evaluate(block.attributes[name], scope)
            return Unknown(value.address) if isinstance(value, Resource | Module) else value
        if resource.unknown and name not in resource.unknown:
            return None  # an attribute that this version of the provider doesn't have
        made = None if self.stand_in is None else self.stand_in(resource, name)
        return Unknown(f"{resource.address}.{name}") if made is None else made

    def with_stand_ins(self, stand_in: "Callable[[Resource, str], str | None]") -> "Evaluator":
        """Return an evaluator of the same plan that has no unknown attribute of a resource."""
        return Evaluator(self.plan, self.region, self.values, stand_in)

    def text(self, resource: "Resource", name: str) -> str | None:
        """Return an attribute that is a text or null. Raises TemplateError if it is unknown."""
        value = self.attribute(resource, name)
        if isinstance(value, Unknown):
            raise self.error(resource, f"has {name} from {value.reason}, {UNTIL_APPLY}")
        if value is None:
            return None
        if isinstance(value, list | dict):
            raise self.error(resource, f"has {name} that is no text")
        return text(value)

    def error(self, resource: "Resource", message: str) -> "TemplateError":
        """Return the error to raise for something wrong with a resource."""
        return self.plan.place.error(f"{resource.address} {message}")

    def evaluate(self, expression: Expression, scope: Scope) -> object:
        """Return what an expression comes to, or Unknown."""
        self._steps += 1
        if self._depth >= _DEPTH_MAX or self._steps > _STEPS_MAX:
            return Unknown("what is too large or refers to itself")
        self._depth += 1
        try:
            return self._evaluate(expression, scope)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
                StopIteration):  # fmt: skip
            return Unknown("what can't be carried out")
        finally:
            self._depth -= 1

    def _evaluate(self, expression: Expression, scope: Scope) -> object:
        match expression:
            case Literal(value):
                result: object = value
            case NotRead(what):
                result = Unknown(what)
            case Name() | Member():
                result = self._reference_value(expression, scope)
            case Choice(condition, then, otherwise):
                chosen = self.evaluate(condition, scope)
                lost = isinstance(chosen, Unknown)
                result = chosen if lost else self.evaluate(then if chosen else otherwise, scope)
            case Pairs(pairs):
                result = {
                    text(self.evaluate(key, scope)): self.evaluate(value, scope)
                    for key, value in pairs
                }
            case Loop():
                result = self._looped(expression, scope)
            case _:
                result = self._put_together(expression, scope)
        return result

    def _put_together(
        self, expression: Template | Items | Operation | Call | Spread, scope: Scope
    ) -> object:
        match expression:
            case Template(parts):
                return self._filled_in([self.evaluate(part, scope) for part in parts])
            case Items(items):
                return [self.evaluate(item, scope) for item in items]
            case Operation(operator, left, right):
                operands = [self.evaluate(left, scope), self.evaluate(right, scope)]
                return _lost(operands) or OPERATIONS[operator](*operands)
            case Call(name, arguments):
                return self._called(name, list(self._arguments(arguments, scope)))
            case Spread(of):
                return self.evaluate(of, scope)

    def _arguments(self, arguments: tuple[Expression, ...], scope: Scope) -> "Iterator[object]":
        for one in arguments:
            value = self.evaluate(one, scope)
            if isinstance(one, Spread) and isinstance(value, list):
                yield from value
            else:
                yield value

    def _looped(self, loop: Loop, scope: Scope) -> object:
        """Carry out a `for` expression or a splat, in the order of keys as Terraform does."""
        whole = self.evaluate(loop.of, scope)
        if isinstance(whole, Unknown):
            return whole
        if loop.names == ("*",) and not isinstance(whole, list):
            whole = [] if whole is None else [whole]
        pairs = sorted(whole.items()) if isinstance(whole, dict) else enumerate(_listed(whole))
        items: list[object] = []
        made: dict[str, Any] = {}
        for pair in pairs:
            names = dict(zip(loop.names, pair[-len(loop.names) :], strict=True))
            inner = replace(scope, names={**scope.names, **names})
            meant = True if loop.condition is None else self.evaluate(loop.condition, inner)
            if isinstance(meant, Unknown):
                return meant
            if not meant:
                continue
            value = self.evaluate(loop.value, inner)
            if loop.key is None:
                items.append(value)
                continue
            key = self.evaluate(loop.key, inner)
            if isinstance(key, Unknown):
                return key
            if loop.grouped:
                made.setdefault(text(key), []).append(value)
            else:
                made[text(key)] = value
        return items if loop.key is None else made

    def _filled_in(self, parts: list[object]) -> object:
        lost = _lost(parts)
        if lost is not None:
            return lost
        joined = "".join(map(text, parts))
        return joined if len(joined) <= TEXT_MAX else Unknown("what is too long")

    def _called(self, name: str, arguments: list[object]) -> object:
        if name == "try":
            known = [one for one in arguments if not isinstance(one, Unknown)]
            return known[0] if known else arguments[0]
        lost = _lost(arguments)
        if lost is not None:
            return lost
        if name not in FUNCTIONS:
            return Unknown(f"{name}()")
        return FUNCTIONS[name](*arguments)

    def _reference_value(self, expression: Name | Member, scope: Scope) -> object:
        """Follow `a.b["c"].d` from its first word on."""
        steps: list[object] = []
        of: Expression = expression
        while isinstance(of, Member):
            steps.append(self.evaluate(of.key, scope))
            of = of.of
        steps.reverse()
        if not isinstance(of, Name):
            return self._within(self.evaluate(of, scope), steps)
        if (lost := _lost(steps)) is not None:
            return lost
        if of.name in scope.names:
            return self._within(scope.names[of.name], steps)
        return self._named(of.name, steps, scope)

    def _named(self, name: str, steps: list[object], scope: Scope) -> object:
        match name, steps:
            case (("each" | "count" | "path" | "terraform"), [str() as word, *rest]):
                return self._within(self._of_instance(name, word, scope), rest)
            case "var", [str() as variable, *rest]:
                return self._within(self._variable(variable, scope.module), rest)
            case "local", [str() as local, *rest]:
                return self._within(self._local(local, scope.module), rest)
            case "module", [str() as call, *rest]:
                return self._output(call, rest, scope)
            case ("data", [str() as kind, str() as called, *rest]) | (
                kind,
                [str() as called, *rest],
            ):
                return self._of_resource(kind, called, rest, scope)
            case _:
                return Unknown(name)

    def _of_instance(self, name: str, word: str, scope: Scope) -> object:
        match name, word:
            case ("each", "key") | ("count", "index"):
                return scope.key
            case "each", "value":
                return self._each_value(scope)
            case "path", _:
                return str(scope.module.folder)
            case "terraform", "workspace":
                return "default"
            case _:
                return Unknown(f"{name}.{word}")

    def _variable(self, name: str, module: "Module") -> object:
        if module.parent is None:
            if name in self.values.parameters:
                return self.values.parameters[name]
            if name in self.plan.variables:
                return self.plan.variables[name]
        else:
            call = module.parent.source.block("module", module.name)
            if call is not None and name in call.attributes:
                outer = Scope(module.parent, call, module.key)
                return self.evaluate(call.attributes[name], outer)
        declared = module.source.block("variable", name)
        if declared is None or "default" not in declared.attributes:
            return Unknown(f"var.{name}")
        return self.evaluate(declared.attributes["default"], Scope(module))

    def _local(self, name: str, module: "Module") -> object:
        if (id(module), name) not in self._locals:
            expression = next((body.attributes[name] for kind, _, body in module.source.blocks
                               if kind == "locals" and name in body.attributes), None)  # fmt: skip
            self._locals[id(module), name] = Unknown(f"local.{name}")
            if expression is not None:
                self._locals[id(module), name] = self.evaluate(expression, Scope(module))
        return self._locals[id(module), name]

    def _each_value(self, scope: Scope) -> object:
        attributes = getattr(scope.block, "attributes", {})
        if "for_each" not in attributes:
            return Unknown("each.value")
        whole = self.evaluate(attributes["for_each"], Scope(scope.module))
        if isinstance(whole, dict) and scope.key is not None:
            return whole.get(str(scope.key), Unknown("each.value"))
        return scope.key if isinstance(whole, list) else Unknown("each.value")

    def _output(self, call: str, steps: list[object], scope: Scope) -> object:
        children = [child for child in scope.module.children if child.name == call]
        if steps and any(child.key is not None for child in children):
            key, steps = steps[0], steps[1:]
            children = [child for child in children if child.key == key]
        if not steps and children:
            return _all(children)
        if len(children) != 1:
            return Unknown(f"module.{call}")
        return self._within(children[0], steps)

    def _of_module(self, module: Module, output: str) -> object:
        declared = module.source.block("output", output)
        if declared is None:
            return Unknown(f"{module.address}.{output}")
        return self.evaluate(declared.attributes["value"], Scope(module))

    def _of_resource(self, kind: str, name: str, steps: list[object], scope: Scope) -> object:
        found = [one for one in scope.module.resources if (one.type, one.name) == (kind, name)]
        if steps and any(one.key is not None for one in found):
            key, steps = steps[0], steps[1:]
            found = [one for one in found if one.key == key]
        if not steps and found:
            return _all(found)
        if len(found) != 1:
            return terraform_known.data(self, kind, steps) or Unknown(f"{kind}.{name}")
        return self._within(found[0], steps)

    def _within(self, value: object, steps: list[object]) -> object:
        for step in steps:
            match value, step:
                case Resource(), _:
                    value = self.attribute(value, str(step))
                case Module(), _:
                    value = self._of_module(value, str(step))
                case dict(), _ if step in value:
                    value = value[step]
                case list(), int(index) if index < len(value):
                    value = value[index]
                case Unknown(), _:
                    return value
                case _:
                    return Unknown(f"[{step!r}]")
        return value


def _all(instances: "list[Resource] | list[Module]") -> object:
    """Return a resource or module as a whole: itself, or its instances by key or in order."""
    by_key = {one.key: one for one in instances}
    if list(by_key) == [None]:
        return instances[0]
    if all(isinstance(key, int) for key in by_key):
        return [one for _, one in sorted(by_key.items(), key=lambda pair: int(pair[0] or 0))]
    return by_key


def _listed(whole: object) -> list[object]:
    if not isinstance(whole, list):
        raise TypeError(whole)
    return whole


def _lost(values: list[object]) -> Unknown | None:
    """Return the first that is unknown; a map may have unknown members."""
    return next((value for value in values if isinstance(value, Unknown)), None)


def holds_true(unknown: object) -> bool:
    """Say whether anything of a value is unknown, by the plan's mark for it."""
    match unknown:
        case dict():
            return any(map(holds_true, unknown.values()))
        case list():
            return any(map(holds_true, unknown))
        case _:
            return unknown is True
