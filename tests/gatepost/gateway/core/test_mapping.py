"""Mapping templates: what they refer to, and what is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.mapping import (
    MappingError,
    Reference,
    parse_parameter,
    parse_template,
    render,
    resolve,
)

EVENT = {
    "headers": {"Sec-WebSocket-Protocol": "chat.v1"},
    "queryStringParameters": {"token": "t1"},
    "stageVariables": {"table": "blue"},
    "requestContext": {
        "connectionId": "Q0ZkUfPSIAMCJzA=",
        "requestId": "R1",
        "routeKey": "echo",
        "stage": "dev",
        "apiId": "a1b2c3d4e5",
        "domainName": "localhost:3001",
        "connectedAt": 1_772_701_623_412,
        "requestTimeEpoch": 1_772_701_623_500,
        "identity": {"sourceIp": "192.0.2.10"},
        "authorizer": {"principalId": "ann"},
    },
    "body": '{"text":"a \\"b\\"","list":[1,"x"],"n":5,"deep":{"x y":true}}',
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("", ""),
        ("plain # text, 5 $ and $5, 100 #1", "plain # text, 5 $ and $5, 100 #1"),
        (r'{"escaped": "\n"}', r'{"escaped": "\n"}'),
        ("$context.connectionId", "Q0ZkUfPSIAMCJzA="),
        ("${context.connectionId}x", "Q0ZkUfPSIAMCJzA=x"),
        ("$context.requestId/$context.routeKey.", "R1/echo."),
        ("$context.stage-$context.apiId", "dev-a1b2c3d4e5"),
        ("$context.domainName", "localhost:3001"),
        ('{"at": $context.connectedAt}', '{"at": 1772701623412}'),
        ("$context.requestTimeEpoch", "1772701623500"),
        ("$context.identity.sourceIp", "192.0.2.10"),
        ("$context.authorizer.principalId$context.authorizer.other", "ann"),
        ("[$context.messageId]", "[]"),
        ("$stageVariables.table $stageVariables.none", "blue "),
        ("$input.body", EVENT["body"]),
        ("$input.json('$.text')", '"a \\"b\\""'),
        ("$input.json('$.list')", '[1,"x"]'),
        ("$input.json('$.missing')", '""'),
        ("$input.json('$')", EVENT["body"]),
        ('$input.path("$.text")', 'a "b"'),
        ("$input.path('$.list[0]')$input.path('$.deep[\\'x y\\']')", None),
        ("$input.path('$.list[1]')", "x"),
        ("$input.path('$.missing')|", "|"),
        ("$input.path(\"$.deep['x y']\")", "true"),
    ],
)
def test_references_are_filled_in(template: str, text: str | None) -> None:
    """A reference that leads nowhere is empty; one that can't be read is refused."""
    if text is None:
        with pytest.raises(MappingError):
            parse_template(template)
    else:
        assert render(parse_template(template), EVENT) == text


@pytest.mark.parametrize(
    "expression",
    [
        "#set($x = 1)",
        "#if($context.stage == 'dev')x#end",
        "## a comment",
        "#* a comment *#",
        "#[[raw]]#",
        "$util.escapeJavaScript($input.body)",
        "$x",
        "${x}",
        "$!context.stage",
        "$input.params('x')",
        "$input.path('$..deep')",
        "$input.path('$.list').size()",
        "$input.body.length()",
        "$context.connectionId.substring(1)",
        "$context.secret",
        "$context",
        "${context.stage",
        "$stageVariables.a.b",
        r"\$context.stage",
    ],
)
def test_other_vtl_is_refused_with_the_expression(expression: str) -> None:
    """Nothing that AWS would compute goes out as it stands."""
    with pytest.raises(MappingError, match=r"is not supported in mapping templates") as refused:
        parse_template(f"text {expression}\nnext line")
    assert "next line" not in str(refused.value)
    assert repr(expression)[1:5].strip("\\") in str(refused.value)


@given(st.text())
def test_a_template_is_read_or_refused_and_plain_text_stays(text: str) -> None:
    """No text breaks the reader; what VTL has no use for comes out unchanged."""
    try:
        template = parse_template(text)
    except MappingError:
        assert re.search(r"[$#\\]", text)
    else:
        if not any(isinstance(part, Reference) for part in template):
            assert render(template, EVENT) == text


@pytest.mark.parametrize("event", [{"requestContext": {}}, {"requestContext": {}, "body": "hi"}])
def test_a_body_that_is_no_json_has_no_paths(event: dict[str, object]) -> None:
    """`$connect` has no body at all."""
    template = parse_template("[$input.path('$.a')$stageVariables.x]$input.json('$.a')")
    assert render(template, event) == '[]""'


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("context.connectionId", "Q0ZkUfPSIAMCJzA="),
        ("context.authorizer.principalId", "ann"),
        ("stageVariables.table", "blue"),
        ("route.request.body.list[0]", "1"),
        ("route.request.body", EVENT["body"]),
        ("route.request.header.sec-websocket-protocol", "chat.v1"),
        ("route.request.header.missing", ""),
        ("route.request.querystring.token", "t1"),
    ],
)
def test_parameters_come_from_the_request(source: str, value: str) -> None:
    """As the page on data mapping lists them; header names in any case."""
    reference = parse_parameter(source)
    assert isinstance(reference, Reference)
    assert resolve(reference, EVENT) == value


def test_a_parameter_may_be_a_constant() -> None:
    """Between single quotes."""
    assert parse_parameter("'0'") == "0"
    assert parse_parameter("''") == ""


@pytest.mark.parametrize("source", ["", "x", "context.nothing", "method.request.header.x", "'"])
def test_other_parameters_are_refused(source: str) -> None:
    """With the text that can't be read."""
    with pytest.raises(MappingError):
        parse_parameter(source)
