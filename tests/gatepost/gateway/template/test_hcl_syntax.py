"""Terraform's language, taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.template.hcl_syntax import HclError, parse
from gatepost.gateway.template.hcl_tree import (
    Call,
    Choice,
    Expression,
    Items,
    Literal,
    Loop,
    Member,
    Name,
    NotRead,
    Operation,
    Pairs,
    Spread,
    Template,
)


def value(text: str) -> Expression:
    """Return the expression of an attribute."""
    return parse(f"a = {text}\nnext = 1\n").attributes["a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"plain"', Literal("plain")),
        (r'"line\n \"quoted\" $${no} %%{no}"', Literal('line\n "quoted" ${no} %{no}')),
        ("1.5", Literal(1.5)),
        ("true", Literal(value=True)),
        ("null", Literal(None)),
        ("-2", Operation("-", Literal(0), Literal(2))),
        ("!true", Operation("==", Literal(value=True), Literal(value=False))),
        ("var.x", Member(Name("var"), Literal("x"))),
        ("a.b[0].c", Member(Member(Member(Name("a"), Literal("b")), Literal(0)), Literal("c"))),
        ('a["k"]', Member(Name("a"), Literal("k"))),
        ('"${a}-b"', Template((Literal(""), Name("a"), Literal("-b")))),
        ('"%{ if x }y%{ endif }"', Template((
            *(Literal(""), NotRead("a directive")),
            *(Literal("y"), NotRead("a directive"), Literal("")),
        ))),
        ("[1,\n 2,\n]", Items((Literal(1), Literal(2)))),
        ("{ k = 1\n m: 2, }", Pairs(((Literal("k"), Literal(1)), (Literal("m"), Literal(2))))),
        ("{ (a) = 1 }", Pairs(((Name("a"), Literal(1)),))),
        ("f(1, x...)", Call("f", (Literal(1), Spread(Name("x"))))),
        ("a ? 1 : 2", Choice(Name("a"), Literal(1), Literal(2))),
        ("(\n a == 1\n)", Operation("==", Name("a"), Literal(1))),
        ("1 + 2 * 3",
         Operation("+", Literal(1), Operation("*", Literal(2), Literal(3)))),
        ("[for x in y : x if z]", Loop(("x",), Name("y"), None, Name("x"), Name("z"))),
        ("{ for k, v in y : k => v... }",
         Loop(("k", "v"), Name("y"), Name("k"), Name("v"), grouped=True)),
        ("a[*].b", Loop(("*",), Name("a"), None, Member(Name("*"), Literal("b")))),
        ("<<-END\n    one\n      ${a}\n  END",
         Template((Literal("one\n  "), Name("a"), Literal("\n")))),
    ],
)  # fmt: skip
def test_every_form_of_expression_is_read(text: str, expected: Expression) -> None:
    """And the next line is the next attribute."""
    assert value(text) == expected


def test_a_file_consists_of_attributes_and_labelled_blocks() -> None:
    """Comments of three kinds stand anywhere."""
    body = parse("""
# one
resource "a" b { // two
  x = 1 /* three
  */
  inner {
    y = 2
  }
}
empty {}
""")
    found = body.block("resource", "a", "b")
    assert found is not None
    assert found.attributes == {"x": Literal(1)}
    assert found.blocks[0][0] == "inner"
    assert body.block("resource", "a", "c") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('a = "', "line 1: a text has no end"),
        ("a = \n", "line 1: expected a value"),
        ("a = [1", "expected ]"),
        ("a {", "expected }"),
        ("}", "line 1: expected nothing more"),
        ("a = <<END\n", "<<END has no end"),
        ("a = [for x", "expected in"),
        ("1 = 2", "expected a name"),
        ("a = " + "[" * 99, "nested too deeply"),
        ("a = " + '"${' * 99, "nested too deeply"),
    ],
)
def test_what_is_not_well_formed_is_refused_with_its_line(text: str, problem: str) -> None:
    """One sentence."""
    with pytest.raises(HclError) as caught:
        parse(text)
    assert problem in str(caught.value)


PIECES = st.sampled_from([
    *("a", " = ", "{", "}", "[", "]", "(", ")", '"', "${", "%{", "\n", "<<E\n", "E\n", ".", "?"),
    *(":", ",", "...", "for ", "1", "==", "!", "-", "#", "/*", "\\", "\0"),
])  # fmt: skip


@given(pieces=st.lists(PIECES | st.characters(), max_size=30))
def test_any_text_is_read_or_refused(pieces: list[str]) -> None:
    """No other exception, and an end."""
    try:
        parse("".join(pieces))
    except HclError as error:
        assert str(error)  # noqa: PT017 - refusal is one of two right ends
