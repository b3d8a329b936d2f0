"""Models: which one counts, what speaks against a message, which schemas are refused."""

import pytest

from gatepost.gateway.core.deployment import LambdaProxy, Route
from gatepost.gateway.core.models import OBJECTION_CHARS_MAX, Models, models_of

TEXT: dict[str, object] = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
}
NUMBER: dict[str, object] = {
    "type": "object",
    "properties": {"n": {"type": "number"}},
    "required": ["n"],
}


@pytest.mark.parametrize(
    ("message", "objection"),
    [
        ('{"kind":"text","text":"hi"}', None),
        ('{"kind":"text","text":5}', "$.text: 5 is not of type 'string'"),
        ('{"kind":"text"}', "$: 'text' is a required property"),
        ('{"kind":"number","n":5}', None),
        ('{"kind":"other"}', "there is no model 'other' and no $default"),
        ("hello", "there is no model '$default' and no $default"),
        ("[]", "there is no model '' and no $default"),
    ],
)
def test_the_expression_selects_the_model(message: str, objection: str | None) -> None:
    """B-168: without a model of that name and without `$default` nothing fits."""
    models = Models("$request.body.kind", {"text": TEXT, "number": NUMBER})
    assert models.objection(message) == objection


@pytest.mark.parametrize(
    ("message", "fits"),
    [('{"kind":"other","n":1}', True), ('{"kind":"other"}', False), ("hello", False)],
)
def test_default_stands_for_models_that_are_not_there(message: str, *, fits: bool) -> None:
    """B-168: a message that is no JSON never fits."""
    models = Models("${request.body.kind}", {"text": TEXT, "$default": NUMBER})
    assert (models.objection(message) is None) is fits


@pytest.mark.parametrize(
    "message",
    ['{"kind":"text","text":["' + "x" * 100_000 + '"]}', '{"kind":"' + "x" * 100_000 + '"}'],
)
def test_an_objection_is_bounded(message: str) -> None:
    """It quotes the message, and the live log keeps it."""
    objection = Models("$request.body.kind", {"text": TEXT}).objection(message)
    assert objection is not None
    assert len(objection) == OBJECTION_CHARS_MAX


def test_an_expression_may_be_constant() -> None:
    """Then every message is checked against the one model."""
    models = Models("text", {"text": TEXT})
    assert models.objection('{"text":"x"}') is None
    assert models.objection("not JSON") == "the message is not JSON"


def test_schemas_are_of_draft_4() -> None:
    """`exclusiveMinimum` is a boolean there, and references within the document count."""
    schema: dict[str, object] = {
        "definitions": {"n": {"type": "number", "minimum": 1, "exclusiveMinimum": True}},
        "properties": {"n": {"$ref": "#/definitions/n"}},
    }
    models = Models("m", {"m": schema})
    assert models.objection('{"n":1}') is not None
    assert models.objection('{"n":1.5}') is None


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": 5}, "no JSON schema"),
        ({"properties": {"a": {"$ref": "https://example.com/x.json"}}}, "not in the model itself"),
        ({"allOf": [{"$ref": "other"}]}, "not in the model itself"),
        ({"properties": {"a": {"$ref": "#/definitions/none"}}}, "not in the model itself"),
    ],
)
def test_a_schema_that_cant_be_used_is_refused(schema: dict[str, object], message: str) -> None:
    """Nothing is fetched; the model is named."""
    with pytest.raises(ValueError, match=message) as refused:
        Models("m", {"chat": schema})
    assert "'chat'" in str(refused.value)


def test_a_message_nested_too_deeply_does_not_fit() -> None:
    """However deep its model allows."""
    schema: dict[str, object] = {"type": "array", "items": {"$ref": "#"}}
    models = Models("m", {"m": schema})
    assert models.objection("[" * 20 + "]" * 20) is None
    assert models.objection("[" * 600 + "]" * 600) == "the message is nested too deeply"


def test_an_expression_that_cant_be_read_is_refused() -> None:
    """The sentence says which kind of expression it is."""
    with pytest.raises(ValueError, match="model selection expression"):
        Models("$request.header.x", {})


def test_a_route_without_an_expression_checks_nothing() -> None:
    """B-168: models alone do nothing."""
    assert models_of(Route("echo", LambdaProxy("echo"), models={"m": TEXT})) is None
    route = Route("echo", LambdaProxy("echo"), model_selection_expression="m", models={"m": TEXT})
    assert models_of(route) is not None
