"""The conditions of a CloudFormation template: Equals, And, Or, Not and those named by others.

Responsible for whether one holds; which values are compared is up to intrinsics.py.
"""

from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.yaml_source import scalar_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.gateway.template.intrinsics import Plain
    from gatepost.gateway.template.view import View

_FUNCTIONS: Final = frozenset({"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"})
_DEPTH_DOTS_MAX: Final = 60
_PAIR: Final = 2
_OPERANDS_MAX: Final = 10


def is_condition(function: str) -> bool:
    """Whether an intrinsic function yields true or false."""
    return function in _FUNCTIONS


def truth(
    view: "View",
    plain: "Callable[[View], Plain]",
    named: "Callable[[str, View], bool]",
    *,
    function: str | None = None,
) -> bool:
    """Return whether the condition holds; `named` judges those that are named in it.

    With `function`, `view` is that function's argument. Raises TemplateError for what is none.
    """
    if function is None:
        keys = list(view.keys()) if view.is_mapping else []
        function = keys[0] if len(keys) == 1 else ""
        if function != "Condition" and function not in _FUNCTIONS:
            raise view.error("is no condition; known are Equals, And, Or, Not and Condition")
        view = view.require(function)
    if function == "Condition":
        return named(view.text(), view)
    operands = list(view.elements())
    if function == "Fn::Equals":
        if len(operands) != _PAIR:
            raise view.error("needs two values")
        return _compared(plain(operands[0])) == _compared(plain(operands[1]))
    if view.path.count(".") > _DEPTH_DOTS_MAX:
        raise view.error("is nested too deeply")
    limits = (1, 1) if function == "Fn::Not" else (_PAIR, _OPERANDS_MAX)
    if not limits[0] <= len(operands) <= limits[1]:
        raise view.error("needs one condition" if limits[1] == 1 else "needs 2 to 10 conditions")
    truths = [truth(operand, plain, named) for operand in operands]
    match function:
        case "Fn::Not":
            return not truths[0]
        case "Fn::And":
            return all(truths)
        case _:
            return any(truths)


def _compared(value: "Plain") -> "Plain":
    """Return a scalar as its text: CloudFormation compares `true` and `"true"` as the same."""
    return value if isinstance(value, list | dict) else scalar_text(value)
