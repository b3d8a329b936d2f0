"""Whether a message fits the model that its route declares for it (B-168)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.core.deployment import DEFAULT, Route
from gatepost.gateway.core.json_paths import NotJsonError, read_json
from gatepost.gateway.core.routes import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema import Draft4Validator

OBJECTION_CHARS_MAX: Final = 300
"""How long an objection may be: it quotes the message, which may have 128 KiB."""


class Models:
    """The models of one route: JSON schemas of draft 4, one chosen for each message.

    Raises ValueError for an expression that can't be read and for a schema that is none, or that
    refers to another document.
    """

    def __init__(self, expression: str, schemas: Mapping[str, dict[str, object]]) -> None:
        self._selection = Selection(expression, kind="model")
        self._validators = {key: _validator(key, schema) for key, schema in schemas.items()}

    def objection(self, text: str) -> str | None:
        """Say what speaks against a message, in one line of OBJECTION_CHARS_MAX; None if it fits.

        Without a model of the selected name `$default` counts; without that nothing fits.
        """
        objection = self._objection(text)
        if objection is None or len(objection) <= OBJECTION_CHARS_MAX:
            return objection
        return f"{objection[: OBJECTION_CHARS_MAX - 1]}…"

    def _objection(self, text: str) -> str | None:
        key = self._selection.key(text)
        validator = self._validators.get(key) or self._validators.get(DEFAULT)
        if validator is None:
            return f"there is no model {key!r} and no $default"
        try:
            body = read_json(text)
        except NotJsonError:
            return "the message is not JSON"
        try:
            error = next(validator.iter_errors(body), None)
        except RecursionError:
            return "the message is nested too deeply"
        return None if error is None else f"{error.json_path}: {error.message}"


def models_of(route: Route) -> Models | None:
    """Return the models of a route, None when messages are not checked. Raises ValueError."""
    if route.model_selection_expression is None:
        return None
    return Models(route.model_selection_expression, route.models)


def _validator(key: str, schema: dict[str, object]) -> "Draft4Validator":
    # Late, because hardly any project has models and the import takes a tenth of a second.
    from jsonschema import Draft4Validator, SchemaError  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415
    from referencing.jsonschema import DRAFT4  # noqa: PLC0415

    try:
        Draft4Validator.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"model {key!r} is no JSON schema: {error.message}") from error
    # A registry of this document alone: nothing is ever fetched.
    registry = Registry().with_resource("", DRAFT4.create_resource(schema))
    for reference in _references(schema):
        try:
            registry.resolver().lookup(reference)
        except Unresolvable as error:
            raise ValueError(
                f"model {key!r} refers to {reference!r}, which is not in the model itself"
            ) from error
    return Draft4Validator(schema, registry=registry)


def _references(schema: Any) -> "Iterator[str]":  # noqa: ANN401 - JSON
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield reference
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _references(part)
