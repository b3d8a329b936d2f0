"""The values file."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.values import NO_VALUES, Values, read_values

if TYPE_CHECKING:
    from pathlib import Path


def test_numbers_and_booleans_count_as_their_text(tmp_path: "Path") -> None:
    """As everything that a stack hands to a function is text."""
    path = tmp_path / "values.yml"
    path.write_text(
        "parameters: {Limit: 5, On: true}\nssm: {/a/b: c}\nresources: {Bucket: {Ref: files}}\n",
        encoding="utf-8",
    )
    assert read_values(path) == Values(
        parameters={"Limit": "5", "On": "true"},
        ssm={"/a/b": "c"},
        resources={"Bucket": {"Ref": "files"}},
    )


def test_json_is_read_too(tmp_path: "Path") -> None:
    """By the file's ending."""
    path = tmp_path / "values.json"
    path.write_text('{"imports": {"a": "b"}}', encoding="utf-8")
    assert read_values(path).imports == {"a": "b"}


def test_an_empty_file_and_an_empty_section_give_nothing(tmp_path: "Path") -> None:
    """A file whose lines are all commented out is no mistake."""
    path = tmp_path / "values.yml"
    for text in ("", "# nothing\n", "ssm:\n"):
        path.write_text(text, encoding="utf-8")
        assert read_values(path) == NO_VALUES


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ssm: {}\nparams: {}\n", ":2: params is no section; known are options, parameters, ssm"),
        ("ssm: [a]\n", ":1: ssm must be a mapping"),
        ("ssm:\n  /a: [b]\n", ":2: ssm./a must be a text"),
        ("ssm:\n  /a:\n", ":2: ssm./a must be a text"),
        ("resources:\n  A: b\n", ":2: resources.A must be a mapping"),
        ("- a\n", ":1: the file must be a mapping"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(tmp_path: "Path", text: str, sentence: str) -> None:
    """An unknown section most of all: its values would silently be missing."""
    path = tmp_path / "values.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        read_values(path)
    assert str(caught.value).startswith(f"{path}{sentence}")
