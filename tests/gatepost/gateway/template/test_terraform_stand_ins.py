"""Stand-ins in environment variables for what a plan doesn't know."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.errors import TemplateError

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.terraform_project import TerraformProject

HELLO = "aws_lambda_function.hello"


def set_to(plan: "TerraformProject", expression: str) -> None:
    """Set a variable of the function, in plan and sources, to what is unknown until apply."""
    plan.add(HELLO, unknown={"environment": [{"variables": {"A": True}}]})
    (plan.folder / "main.tf").write_text(
        f"""resource "aws_lambda_function" "hello" {{
  environment {{
    variables = {{ A = {expression} }}
  }}
}}
""",
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("address", "values", "expression", "stand_in"),
    [
        (
            "aws_sqs_queue.it",
            {"name": "jobs"},
            "aws_sqs_queue.it.url",
            "https://sqs.us-east-1.amazonaws.com/123456789012/jobs",
        ),
        (
            "aws_sqs_queue.it",
            {"name": "jobs"},
            '"${aws_sqs_queue.it.arn}!"',
            "arn:aws:sqs:us-east-1:123456789012:jobs!",
        ),
        ("aws_s3_bucket.it", {"bucket": "up"}, "aws_s3_bucket.it.id", "up"),
        (
            "aws_kinesis_stream.it",
            {"name": "s"},
            "aws_kinesis_stream.it.id",
            "arn:aws:kinesis:us-east-1:123456789012:stream/s",
        ),
    ],
)
def test_a_stand_in_has_the_form_that_the_service_gives(
    plan: "TerraformProject",
    *,
    address: str,
    values: dict[str, str],
    expression: str,
    stand_in: str,
) -> None:
    """A name that the plan knows counts; a notice names resource, variable and function."""
    plan.add(address, unknown={"url": True}, **values)
    set_to(plan, expression)
    deployment = plan.read()
    assert deployment.functions["hello"].environment == {"A": stand_in}
    assert deployment.notices[0] == (
        f"{address} is not emulated: A of function hello is a stand-in; "
        "give the real value with --values"
    )


def test_a_data_source_has_no_stand_in(plan: "TerraformProject") -> None:
    """What it would find exists already: only its owner knows it."""
    plan.add("data.aws_ssm_parameter.it", unknown={"value": True})
    set_to(plan, "data.aws_ssm_parameter.it.value")
    with pytest.raises(TemplateError, match=r"sets A from .*, which is only known"):
        plan.read()
