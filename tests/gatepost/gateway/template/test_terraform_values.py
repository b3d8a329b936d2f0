"""What attributes and expressions come to."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.terraform_plan import Unknown, read_plan
from gatepost.gateway.template.terraform_values import Evaluator
from gatepost.gateway.template.values import Values

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.terraform_project import TerraformProject

SOURCE = """
variable "stage" {{ default = "live" }}
locals {{
  table = "t-${{var.stage}}"
  loop  = local.loop
  names = {{ hello = "world" }}
}}
resource "aws_sqs_queue" "jobs" {{
  for_each = local.names
  name     = {value}
}}
"""
QUEUE = 'aws_sqs_queue.jobs["hello"]'


def evaluated(plan: "TerraformProject", value: str) -> object:
    """Return what an expression comes to that stands in the sources of a queue."""
    plan.add(QUEUE, unknown={"name": True, "url": True}, visibility_timeout_seconds=30)
    plan.tree = {"variables": {"given": {"value": "by plan"}}}
    read = read_plan(plan.write(SOURCE.format(value=value)))
    (queue,) = read.of_type("aws_sqs_queue")
    values = Values(parameters={"file": "by file"}, resources={"aws_sns_topic.x": {"arn": "a"}})
    return Evaluator(read, "eu-west-1", values).attribute(queue, "name")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("local.table", "t-live"),
        ('"${var.given}, ${var.file}"', "by plan, by file"),
        ('"${each.key} ${each.value}"', "hello world"),
        ('var.stage == "live" ? 1 + 2 : 0', 3),
        ('upper("a")', "A"),
        ("[local.names.hello, terraform.workspace][1]", "default"),
        ('try(aws_sqs_queue.none.url, "b")', "b"),
        ("aws_lambda_function.hello.function_name", "hello"),
        ("data.aws_region.current.name", "eu-west-1"),
        ("data.aws_caller_identity.me.account_id", "123456789012"),
        ("aws_apigatewayv2_stage.live.id", "live"),
        ('aws_sqs_queue.jobs["hello"].visibility_timeout_seconds', 30),
        ('{ a = local.loop, b = "c" }.b', "c"),
        ("[for n in [1, 2, 3] : n * 2 if n > 1]", [4, 6]),
        ("{ for k, v in local.names : v => k }", {"world": "hello"}),
        ('{ for n in ["a", "b", "a"] : n => 1... }', {"a": [1, 1], "b": [1]}),
        ("[for f in [aws_lambda_function.hello] : f.function_name]", ["hello"]),
        ("aws_lambda_function.hello[*].function_name", ["hello"]),
        ("merge([{ a = 1 }, { b = 2 }]...)", {"a": 1, "b": 2}),
        ("{ for k, q in aws_sqs_queue.jobs : k => q.visibility_timeout_seconds }", {"hello": 30}),
    ],
)
def test_an_expression_of_the_sources_is_carried_out(
    plan: "TerraformProject", expression: str, expected: object
) -> None:
    """Variables, locals, instances, functions, other resources."""
    assert evaluated(plan, expression) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("local.loop", "local.loop"),
        ("local.none", "local.none"),
        ("var.none", "var.none"),
        ('"a ${var.none}"', "var.none"),
        ("var.none ? 1 : 2", "var.none"),
        ("-var.none", "var.none"),
        ("uuid()", "uuid()"),
        ("upper(var.none)", "var.none"),
        ("[for x in var.none : x]", "var.none"),
        ("aws_lambda_function.hello", "aws_lambda_function.hello"),
        ("module.none.out", "module.none"),
        ('1 + "a"', "what can't be carried out"),
        ("element([], 1)", "what can't be carried out"),
        ("local.names.other", "['other']"),
        ('aws_sqs_queue.jobs["hello"].url', 'aws_sqs_queue.jobs["hello"].url'),
        ("aws_sqs_queue.none.url", "aws_sqs_queue.none"),
        ("self", "self"),
    ],
)  # fmt: skip
def test_what_an_expression_waits_for_is_named(
    plan: "TerraformProject", expression: str, reason: str
) -> None:
    """Instead of a value that is made up."""
    assert evaluated(plan, expression) == Unknown(reason)


def test_each_value_is_an_instance_where_for_each_is_a_resource(plan: "TerraformProject") -> None:
    """Its attributes are those of the instance with the same key."""
    for key in ("a", "b"):
        plan.add(f'aws_sqs_queue.jobs["{key}"]', name=f"jobs-{key}")
        plan.add(f'aws_sns_topic.told["{key}"]', unknown={"name": True})
    read = read_plan(
        plan.write("""
resource "aws_sns_topic" "told" {
  for_each = aws_sqs_queue.jobs
  name     = "of-${each.value.name}"
}
""")
    )
    evaluator = Evaluator(read, "eu-west-1")
    names = [evaluator.attribute(topic, "name") for topic in read.of_type("aws_sns_topic")]
    assert names == ["of-jobs-a", "of-jobs-b"]
