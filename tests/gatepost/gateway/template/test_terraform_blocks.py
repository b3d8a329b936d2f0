"""Blocks within resources."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.terraform_blocks import nested
from gatepost.gateway.template.terraform_plan import Unknown, read_plan
from gatepost.gateway.template.terraform_values import Evaluator

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.terraform_project import TerraformProject


def test_an_attribute_of_a_block_keeps_what_is_known_of_it(plan: "TerraformProject") -> None:
    """Without sources the names of what is unknown are all that is left."""
    plan.add(
        "aws_lambda_function.hello",
        unknown={"environment": [{"variables": {"B": True}}]},
        environment=[{"variables": {"A": "a"}}],
    )
    read = read_plan(plan.write())
    (function,) = read.of_type("aws_lambda_function")
    evaluator = Evaluator(read, "eu-west-1")
    lost = Unknown("aws_lambda_function.hello.environment.variables")
    assert nested(evaluator, function, "environment", "variables") == {"A": "a", "B": lost}
    plan.write('resource "aws_lambda_function" "hello" {\n environment {\n variables = '
               '{ A = "a", B = aws_apigatewayv2_stage.live.name }\n }\n}\n')  # fmt: skip
    read = read_plan(plan.folder / "plan.json")
    (function,) = read.of_type("aws_lambda_function")
    evaluator = Evaluator(read, "eu-west-1")
    assert nested(evaluator, function, "environment", "variables") == {"A": "a", "B": "live"}


@pytest.mark.parametrize(
    ("made_for", "variables", "expected"),
    [
        ("[true]", '{ A = "a", B = aws_apigatewayv2_stage.live.name }', {"A": "a", "B": "live"}),
        ("[{ stage = aws_apigatewayv2_stage.live.name }]", "environment.value", {"stage": "live"}),
        ('{ x = { B = "b" } }', "environment.value", {"B": "b"}),
        ('{ x = { B = "b" } }', "{ B = environment.key }", {"B": "x"}),
        ("timestamp()", "environment.value", Unknown("what a dynamic block is for")),
    ],
)
def test_a_dynamic_block_is_read_as_the_first_that_it_makes(
    plan: "TerraformProject", made_for: str, variables: str, expected: object
) -> None:
    """As published modules have the environment of a function."""
    plan.add(
        "aws_lambda_function.hello",
        unknown={"environment": [{"variables": True}]},
        environment=[{}],
    )
    source = """
resource "aws_lambda_function" "hello" {{
  dynamic "environment" {{
    for_each = {made_for}
    content {{
      variables = {variables}
    }}
  }}
}}
"""
    read = read_plan(plan.write(source.format(made_for=made_for, variables=variables)))
    (function,) = read.of_type("aws_lambda_function")
    evaluator = Evaluator(read, "eu-west-1")
    assert nested(evaluator, function, "environment", "variables") == expected
