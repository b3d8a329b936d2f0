"""Integrations of type AWS, whatever the template."""

import pytest

from gatepost.gateway.core.deployment import LambdaMapped, NotEmulated, Route
from gatepost.gateway.template.aws_integrations import (
    mapped_function,
    objection,
    service_of,
    warning,
)


@pytest.mark.parametrize(
    ("uri", "service"),
    [
        ("arn:aws:apigateway:us-east-1:sqs:path/123456789012/jobs", "sqs"),
        ("arn:aws:apigateway:eu-west-1:dynamodb:action/PutItem", "dynamodb"),
        ("arn:aws-cn:apigateway:cn-north-1:states:action/StartExecution", "states"),
        ("https://example.com", "https://example.com"),
    ],
)
def test_the_service_is_what_the_uri_names(uri: str, service: str) -> None:
    """Else the whole of it is shown."""
    assert service_of(uri) == service


def test_what_a_template_leaves_out_is_as_the_service_has_it() -> None:
    """B-186, B-187: `$default`, and whatever fits no template passes."""
    mapped = mapped_function("f", requests={}, selection=None, passthrough=None, responses={})
    assert mapped == LambdaMapped("f", template_selection_expression=r"\$default")
    assert mapped.passthrough == "WHEN_NO_MATCH"
    with pytest.raises(ValueError, match="must be one of"):
        mapped_function("f", requests={}, selection=None, passthrough="MAYBE", responses={})


def test_only_what_is_not_emulated_is_worth_a_word() -> None:
    """At `$connect` it refuses, elsewhere a start tells of it."""
    message, connect = Route("a", NotEmulated("sqs")), Route("$connect", NotEmulated("sqs"))
    fine = Route("$connect", LambdaMapped("f"))
    assert [objection(route) is None for route in (message, connect, fine)] == [True, False, True]
    assert "each use of it fails" in (warning(message) or "")
    assert warning(fine) is None
