"""YAML and JSON files as trees with places."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.yaml_source import (
    FILE_BYTES_MAX,
    Node,
    Scalar,
    parse_json,
    parse_yaml,
    read_file,
    scalar_text,
)


def plain(node: Node) -> object:
    """Return the tree without places."""
    if isinstance(node.value, dict):
        return {key: plain(member) for key, member in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def test_every_value_knows_its_file_and_line() -> None:
    """Lines count from 1; a value stands where it starts."""
    root = parse_yaml("a: 1\nb:\n  - x\n  - y\n", "s.yml")
    assert isinstance(root.value, dict)
    items = root.value["b"].value
    assert isinstance(items, list)
    assert [str(item.place) for item in items] == ["s.yml:3", "s.yml:4"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.5", "-.5"),
        ("2012-10-17", "2012-10-17"),
        ("~", None),
        ("''", ""),
        ("", None),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    """The framework's parser knows no `yes`, no sexagesimals, no octal `010`."""
    assert plain(parse_yaml(f"a: {text}", "s.yml")) == {"a": value}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!Ref Table", {"Ref": "Table"}),
        ("!GetAtt Table.Arn", {"Fn::GetAtt": ["Table", "Arn"]}),
        ("!GetAtt Nested.Outputs.Arn", {"Fn::GetAtt": ["Nested", "Outputs.Arn"]}),
        ("!GetAtt [Table, Arn]", {"Fn::GetAtt": ["Table", "Arn"]}),
        ("!Sub '${Table}-x'", {"Fn::Sub": "${Table}-x"}),
        ("!Join ['-', [a, !Ref B]]", {"Fn::Join": ["-", ["a", {"Ref": "B"}]]}),
        ("!If [Cond, {a: 1}, !Ref AWS::NoValue]", {"Fn::If": ["Cond", {"a": 1}, {"Ref": "AWS::NoValue"}]}),  # noqa: E501
    ],
)  # fmt: skip
def test_short_tags_read_as_their_long_forms(text: str, value: object) -> None:
    """CloudFormation's `!Name` is `Fn::Name`; Ref and Condition have no prefix."""
    assert plain(parse_yaml(text, "s.yml")) == value


def test_anchors_and_merge_keys_work_and_own_keys_win() -> None:
    """`<<` takes over what a mapping doesn't have itself; of several, the first wins."""
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {y: 9, <<: [*a, *b]}\nd: {<<: *b}\n"
    read = plain(parse_yaml(text, "s.yml"))
    assert read == {
        "a": {"x": 1, "y": 2},
        "b": {"y": 3, "z": 4},
        "c": {"x": 1, "y": 9, "z": 4},
        "d": {"y": 3, "z": 4},
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: [1,\n", "s.yml:3: not valid YAML: "),
        ("a: 1\n\tb: 2\n", "s.yml:2: not valid YAML: "),
        ("a: *x\n", "s.yml:1: not valid YAML: found undefined alias 'x'"),
        ("a: \x01\n", "s.yml:1: not valid YAML: "),
        ("a: 1\n---\nb: 2\n", "s.yml:2: not valid YAML: "),
        ("a: 1\nb: 2\na: 3\n", "s.yml:3: 'a' stands here twice, first in line 1"),
        ("a: !Nope x\n", "s.yml:1: unknown YAML tag !Nope"),
        ("a:\n  ? [x]\n  : 1\n", "s.yml:2: a key must be plain text"),
        ("a: &a\n  b: *a\n", "s.yml:1: an alias here contains itself"),
        ("a:\n  <<: 1\n", "s.yml:2: '<<' takes a mapping or a list of mappings"),
        ("a: !!int x\n", "s.yml:1: 'x' is not a number"),
        ("a: " + "9" * 5000, "s.yml:1: this number has too many digits"),
        ("a: " + "[" * 100 + "]" * 100, "s.yml:1: is nested deeper than 64 levels"),
        ("a: " + "[" * 2000 + "]" * 2000, "s.yml: is nested deeper than 64 levels"),
    ],
)
def test_what_is_not_well_formed_is_refused_with_its_line(text: str, sentence: str) -> None:
    """The sentence opens with file and line."""
    with pytest.raises(TemplateError) as caught:
        parse_yaml(text, "s.yml")
    assert str(caught.value).startswith(sentence)


def test_json_reads_into_the_same_tree() -> None:
    """Tabs and all, which YAML would refuse."""
    assert plain(parse_json('{"a":\t[1, true, null]}', "s.json")) == {"a": [1, True, None]}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a": 1,\n}', "s.json:"),
        ("[" * 100 + "]" * 100, "s.json: is nested deeper than 64 levels"),
        ("1" * 5000, "s.json: can't be read: "),
    ],
)
def test_json_that_is_not_well_formed_is_refused(text: str, sentence: str) -> None:
    """The parser's own line is kept where it has one."""
    with pytest.raises(TemplateError) as caught:
        parse_json(text, "s.json")
    assert str(caught.value).startswith(sentence)


@given(st.text(alphabet=st.sampled_from("ab:- \n\t{}[]&*!<>'\"#|0.9e~,?%@`\\é\x00"), max_size=60))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    """No other exception leaves the parser."""
    for parse in (parse_yaml, parse_json):
        try:
            assert isinstance(parse(text, "s.yml"), Node)
        except TemplateError as error:
            assert str(error).startswith("s.yml")  # noqa: PT017 - refusal is one of two right ends


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """A missing file, a folder, one that is not text, one too large."""
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large.yml").write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    sentences = []
    for name in ("missing.yml", ".", "binary.yml", "large.yml"):
        with pytest.raises(TemplateError) as caught:
            read_file(tmp_path / name, name)
        sentences.append(str(caught.value))
    assert sentences == [
        "missing.yml: no such file",
        ".: is a folder, not a file",
        "binary.yml: is not UTF-8 text",
        "large.yml: is larger than 4 MiB",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (1, "1"), (1.0, "1"), (2.5, "2.5"), ("x", "x")],
)
def test_scalars_in_text_look_as_the_framework_writes_them(value: Scalar, text: str) -> None:
    """Its numbers are JavaScript's: 1.0 is 1."""
    assert scalar_text(value) == text
