"""The worker's file on its own: it needs the standard library and nothing else."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

from gatepost.gateway.runner import bootstrap


def test_it_imports_the_standard_library_only() -> None:
    """It runs in the project's interpreter, where nothing of ours is installed."""
    tree = ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 9))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    assert names <= sys.stdlib_module_names


def test_remaining_time_is_never_negative() -> None:
    """After the deadline it is zero."""
    facts = bootstrap.Facts("chat", "$LATEST", "128", "group", "stream")
    context = bootstrap.Context(facts, request_id="r", arn="a", deadline_ms=1)
    assert context.get_remaining_time_in_millis() == 0


@pytest.mark.parametrize("result", [float, object(), {1: {2, 3}}, "\ud800"])
def test_results_that_are_no_json_raise_type_or_value_errors(result: object) -> None:
    """So that one except clause makes them marshal errors."""
    with pytest.raises((TypeError, ValueError)):
        bootstrap.encode(result)


def test_text_is_encoded_as_utf_8() -> None:
    """As Lambda's runtime does from Python 3.12 on."""
    assert bootstrap.encode("ü") == '"ü"'.encode()


@pytest.mark.parametrize(
    ("message", "shown"), [("absent", "absent"), ("half \ud800", r"half \ud800")]
)
def test_a_description_names_type_message_and_stack(message: str, shown: str) -> None:
    """The form of the Runtime API's error reports, whatever text the message holds."""

    def handler(event: object, context: object) -> None:
        raise LookupError(message)

    facts = bootstrap.Facts("chat", "$LATEST", "128", "group", "stream")
    context = bootstrap.Context(facts, request_id="r", arn="a", deadline_ms=1)
    returned, payload = bootstrap.call(handler, b"{}", context)
    described = json.loads(payload)
    assert not returned
    assert (described["errorType"], described["errorMessage"]) == ("LookupError", shown)
    assert len(described["stackTrace"]) == 1
    assert "in handler" in described["stackTrace"][0]
