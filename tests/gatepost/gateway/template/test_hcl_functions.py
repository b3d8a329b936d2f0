"""Terraform's functions."""

import pytest

from gatepost.gateway.template.hcl_functions import FUNCTIONS, text


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("basename", ["a/b.zip"], "b.zip"),
        ("coalesce", [None, "", "x"], "x"),
        ("compact", [["a", "", None]], ["a"]),
        ("concat", [["a"], ["b"]], ["a", "b"]),
        ("contains", [["a"], "a"], True),
        ("distinct", [["a", "b", "a"]], ["a", "b"]),
        ("element", [["a", "b"], 3], "b"),
        ("flatten", [[["a"], [["b"]]]], ["a", "b"]),
        ("format", ["%s-%d%%", "a", 1], "a-1%"),
        ("join", ["-", ["a", 1]], "a-1"),
        ("jsonencode", [{"a": [1, True]}], '{"a":[1,true]}'),
        ("keys", [{"b": 1, "a": 2}], ["a", "b"]),
        ("length", ["abc"], 3),
        ("lookup", [{"a": 1}, "b", 2], 2),
        ("lookup", [{"a": 1}, "a"], 1),
        ("merge", [{"a": 1}, None, {"a": 2}], {"a": 2}),
        ("replace", ["wss://x", "wss", "https"], "https://x"),
        ("split", [",", "a,b"], ["a", "b"]),
        ("tonumber", ["1.5"], 1.5),
        ("toset", [["b", "a", "b"]], ["a", "b"]),
        ("tostring", [True], "true"),
        ("trimprefix", ["abc", "a"], "bc"),
        ("trimsuffix", ["abc", "c"], "ab"),
        ("upper", ["a"], "A"),
        ("values", [{"b": 1, "a": 2}], [2, 1]),
    ],
)
def test_a_function_does_what_terraform_says(
    name: str, arguments: list[object], expected: object
) -> None:
    """As its reference shows by example."""
    assert FUNCTIONS[name](*arguments) == expected


def test_numbers_and_booleans_stand_in_text_as_terraform_writes_them() -> None:
    """A list or a map can't."""
    assert [text(one) for one in (True, 1, 1.0, 1.5, "x")] == ["true", "1", "1", "1.5", "x"]
    with pytest.raises(TypeError):
        text([])


def test_a_regular_expression_and_a_text_that_grows_too_long_have_no_value() -> None:
    """Neither is carried out."""
    with pytest.raises(ValueError, match="/a/"):
        FUNCTIONS["replace"]("a", "/a/", "b")
    with pytest.raises(ValueError, match="a"):
        FUNCTIONS["replace"]("a" * 1000, "a", "b" * 1000)
