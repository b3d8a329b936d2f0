"""The syntax of the framework's variables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.template.variable_syntax import (
    Literal,
    Lookup,
    Variable,
    VariableSyntaxError,
    parse,
)


def sources(text: str) -> tuple[Literal | Lookup, ...]:
    """Return the sources of a text that is one variable and nothing else."""
    (variable,) = parse(text)
    assert isinstance(variable, Variable)
    assert variable.text == text
    return variable.sources


def test_text_without_variables_is_one_part() -> None:
    """Nothing to look up; an empty text has no part."""
    assert parse("plain {x} $y") == ("plain {x} $y",)
    assert parse("") == ()


def test_a_variable_has_sources_of_type_parameters_and_address() -> None:
    """The form is `${type(params):address, next source}`."""
    assert sources("${file(a.yml):b.c, opt:x,self:}") == (
        Lookup("file", (("a.yml",),), ("b.c",)),
        Lookup("opt", (), ("x",)),
        Lookup("self"),
    )
    assert sources("${strToBool( x , 'y, z' )}") == (Lookup("strToBool", (("x",), ("y, z",))),)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'dev'", "dev"),
        ("''", ""),
        ('"a, \\"b\\" }"', 'a, "b" }'),
        ("5", 5),
        ("-1.5", -1.5),
        ("true", True),
        ("null", None),
    ],
)
def test_a_default_is_a_literal(text: str, value: object) -> None:
    """Quoted text, a number, true, false or null; brackets and commas in quotes are text."""
    assert sources(f"${{opt:x, {text} }}") == (Lookup("opt", (), ("x",)), Literal(value))  # type: ignore[arg-type]


def test_text_around_variables_is_kept() -> None:
    """Interpolation: what is not a variable stays as it stands."""
    parts = parse("a ${self:x}-${self:y} z")
    assert [part if isinstance(part, str) else part.text for part in parts] == [
        "a ",
        "${self:x}",
        "-",
        "${self:y}",
        " z",
    ]


def test_variables_nest_in_addresses_and_parameters() -> None:
    """`${self:custom.${sls:stage}.name}` looks up what its address comes to."""
    (lookup,) = sources("${self:custom.${sls:stage}.name}")
    assert isinstance(lookup, Lookup)
    assert lookup.address == (
        "custom.",
        Variable((Lookup("sls", (), ("stage",)),), "${sls:stage}"),
        ".name",
    )


@pytest.mark.parametrize(
    "text",
    [
        "${AWS::Region}",
        "${Table}",
        "${Table.Arn}",
        "${!Literal}",
        "${aws::x}",
        "${name}",
        "${",
        "$",
    ],
)
def test_what_cloudformation_substitutes_is_left_alone(text: str) -> None:
    """Pseudo parameters and logical ids of Fn::Sub are text here."""
    assert parse(text) == (text,)


def test_a_variable_within_a_foreign_one_is_found() -> None:
    """`${Table${sls:stage}}` is text around a variable."""
    parts = parse("${Table${sls:stage}}")
    assert [type(part) for part in parts] == [str, Variable, str]


@pytest.mark.parametrize(
    ("text", "first"),
    [(r"\${self:x}", "${self:x}"), (r"\\\${self:x}", r"\${self:x}"), (r"\x", r"\x")],
)
def test_a_backslash_makes_a_variable_text(text: str, first: str) -> None:
    """An odd number of backslashes escapes, half of them remain."""
    assert parse(text) == (first,)


def test_an_even_number_of_backslashes_escapes_itself() -> None:
    r"""`\\${self:x}` is a backslash and a variable."""
    assert [part if isinstance(part, str) else part.text for part in parse(r"\\${self:x}")] == [
        "\\",
        "${self:x}",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("${self:x", "${self:x has no closing bracket in its place"),
        ("${opt:x, 'y}", "'y} has no closing quote"),
        ("${opt:x, dev}", "'dev' is neither a source such as 'self:' nor a value"),
        ("${opt:x,}", "'' is neither a source"),
        ("${opt:x, 'a' b}", "has no closing bracket in its place"),
        ("${file(x:y}", "'file(' has no closing ')'"),
        ("${self:" * 20 + "}" * 20, "variables are nested deeper than 16 levels"),
    ],
)
def test_a_malformed_variable_is_refused(text: str, sentence: str) -> None:
    """The sentence shows the part at fault."""
    with pytest.raises(VariableSyntaxError) as caught:
        parse(text)
    assert sentence in str(caught.value)


@given(
    st.text(alphabet=st.sampled_from("${}:(),'\"\\ .aself5AWS"), max_size=80)
    | st.text(max_size=30).map(lambda inner: f"${{self:{inner}}}")
)
def test_any_text_parses_or_is_refused_and_plain_text_survives(text: str) -> None:
    """No other exception; and the parts of what parses spell the text again but for escapes."""
    try:
        parts = parse(text)
    except VariableSyntaxError:
        return
    spelled = "".join(part if isinstance(part, str) else part.text for part in parts)
    if "\\" not in text:
        assert spelled == text
