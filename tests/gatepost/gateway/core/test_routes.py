"""Route selection: the expression's grammar, its values, and the table of routes."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.deployment import LambdaProxy, Route
from gatepost.gateway.core.routes import ExpressionError, RouteSelector

JOIN = '{"service":"chat","action":"join"}'
BODY = json.dumps(
    {
        "list": ["item1", "item2"],
        "number": 1.5,
        "int": 7,
        "yes": True,
        "none": None,
        "nested": {"do": "it", "list": [{"x": "deep"}]},
        "with space": "quoted",
        "object": {"a": 1},
        "dollar": "$request.body.int",
    }
)


def selector(expression: str, *keys: str) -> RouteSelector:
    """Return a selector whose routes have these keys."""
    return RouteSelector(expression, {key: Route(key, LambdaProxy(key)) for key in keys})


@pytest.mark.parametrize(
    ("expression", "key"),
    [
        ("$request.body.action", "join"),
        ("${request.body.service}/${request.body.action}", "chat/join"),
        ("${request.body.action}-${request.body.missing}", "join-"),
        ("action", "action"),
        (r"\$default", "$default"),
    ],
)
def test_the_examples_of_the_guide(expression: str, key: str) -> None:
    """B-153."""
    assert selector(expression).key(JOIN) == key


@pytest.mark.parametrize(
    ("expression", "key"),
    [
        ("$request.body.missing", ""),
        ("$request.body.list", "[item1, item2]"),
        ("$request.body.list[1]", "item2"),
        ("$request.body.list[2]", ""),
        ("$request.body.number", "1.5"),
        ("$request.body.int", "7"),
        ("$request.body.yes", "true"),
        ("$request.body.none", ""),
        ("$request.body.nested.do", "it"),
        ("${request.body.nested.list[0].x}", "deep"),
        ("$request.body['with space']", "quoted"),
        ("$request.body.number.deeper", ""),
        ("$request.body.object", '{"a":1}'),
        ("v1:$request.body.int/x", "v1:7/x"),
        ("$request.body.dollar", "$request.body.int"),
        (r"a\b", r"a\b"),
        (r"\$request.body.int", "$request.body.int"),
    ],
)
def test_values_are_written_as_text(expression: str, key: str) -> None:
    """B-152 to B-156: missing is empty, arrays in brackets, a dollar escaped, evaluated once."""
    assert selector(expression).key(BODY) == key


@pytest.mark.parametrize(
    "expression",
    [
        "$",
        "$context.routeKey",
        "${request.header.x}",
        "x $stageVariables.y",
        "${request.body.a",
        "$request.body.a..b",
        "$request.body.*",
        "$request.body.a[*]",
        "$request.bodyguard",
    ],
)
def test_an_expression_that_cannot_be_read_is_an_error_that_shows_where(expression: str) -> None:
    """B-152: nothing is taken for static text by mistake."""
    with pytest.raises(ExpressionError, match="route selection expression"):
        selector(expression)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        '"hi"',
        "5",
        "[]",
        "null",
        "{",
        "{action: 1}",
        '{"action":"a", body:"b"}',
        '{"action":"A"}',
        '{"action":"nowhere"}',
        '{"Action":"a"}',
        pytest.param("[" * 100_000, id="deep"),
        pytest.param('{"action":' + "[" * 600 + "]" * 600 + "}", id="deep action"),
    ],
)
def test_what_matches_nothing_goes_to_default(text: str) -> None:
    """B-157, B-158, B-159: exact, case-sensitive keys; strict JSON; scalars have no action."""
    chosen = selector("$request.body.action", "a", "$default").select(text)
    assert chosen is not None
    assert chosen.key == "$default"


def test_without_default_nothing_is_selected() -> None:
    """B-165."""
    assert selector("$request.body.action", "a").select('{"action":"b"}') is None


def test_a_custom_key_is_selected() -> None:
    """B-157."""
    chosen = selector("$request.body.action", "a", "$default").select('{"action":"a"}')
    assert chosen is not None
    assert chosen.key == "a"


@pytest.mark.parametrize("key", ["$connect", "$disconnect"])
def test_guess_a_client_cannot_reach_connect_and_disconnect(key: str) -> None:
    """B-160: such a message falls to `$default`, or to nothing."""
    text = json.dumps({"action": key})
    chosen = selector("$request.body.action", key, "$default").select(text)
    assert chosen is not None
    assert chosen.key == "$default"
    assert selector("$request.body.action", key).select(text) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("ab") | st.text(), inner),
    max_leaves=10,
)


@given(text=st.text() | JSON.map(json.dumps))
def test_no_text_makes_selection_raise(text: str) -> None:
    """Clients send anything; each gets `$default` or a route that exists."""
    for expression in (
        "$request.body.a",
        "${request.body.a}/${request.body.b[0]}",
        "$request.body",
    ):
        chosen = selector(expression, "a", "$default", "$connect").select(text)
        assert chosen is not None
        assert chosen.key in {"a", "$default"}


@given(expression=st.text(alphabet="${}request.body[]'0a\\ "))
def test_an_expression_is_read_or_refused(expression: str) -> None:
    """A template's text never raises anything but ExpressionError."""
    with suppress(ExpressionError):
        selector(expression).key("{}")
