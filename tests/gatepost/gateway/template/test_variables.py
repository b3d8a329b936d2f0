"""What the framework's variables stand for."""

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepost.gateway.template.errors import Place, TemplateError
from gatepost.gateway.template.values import NO_VALUES, Values
from gatepost.gateway.template.variables import Variables
from gatepost.gateway.template.yaml_source import Node, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

NOWHERE = Path("/nonexistent")
NONE: "Mapping[str, str]" = MappingProxyType({})
TEMPLATE = """
custom:
  number: 5
  flag: false
  nothing:
  text: hello
  again: ${self:custom.text}!
  list: [zero, one]
  byStage: {dev: on dev, prod: on prod}
  loop: ${self:custom.pool}
  pool: ${self:custom.loop}
  inner: ${self:custom.inner.x}
  deep: {a: {b: "${self:custom.number}"}}
  secret: ${ssm:/path}
params:
  prod: {size: large}
  default: {size: small, color: "${self:custom.text}"}
stages:
  prod: {params: {depth: 3}}
  default: {params: {depth: 1}}
"""


class Resolve:
    """Resolves texts as if they stood in line 9 of the template."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def node(
        self,
        text: str,
        *,
        template: str = TEMPLATE,
        options: "Mapping[str, str]" = NONE,
        environ: "Mapping[str, str]" = NONE,
        values: Values = NO_VALUES,
    ) -> Node:
        """Return what the text resolves to."""
        root = parse_yaml(template, "serverless.yml")
        variables = Variables(root, self.folder, options, environ, values)
        return variables.resolve(Node(text, Place("serverless.yml", 9)))

    def __call__(self, text: str, **given: "Mapping[str, str] | Values") -> object:
        """Return the value of what the text resolves to."""
        return self.node(text, **given).value  # type: ignore[arg-type] # the keywords of node

    def refusal(self, text: str, *, template: str = TEMPLATE) -> str:
        """Return the sentence that the text is refused with."""
        with pytest.raises(TemplateError) as caught:
            self.node(text, template=template)
        return str(caught.value)


@pytest.fixture
def resolved(tmp_path: Path) -> Resolve:
    """Resolve one text within TEMPLATE."""
    return Resolve(tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${self:custom.number}", 5),
        ("${self:custom.flag}", False),
        ("${self:custom.again}", "hello!"),
        ("${self:custom.list.1}", "one"),
        ("${self:custom.deep.a.b}", 5),
        ("n=${self:custom.number} f=${self:custom.flag}", "n=5 f=false"),
        ("${self:custom.byStage.${sls:stage}}", "on dev"),
        ("${opt:nope, self:custom.text, 'never'}", "hello"),
        ("${opt:nope, self:custom.nothing, 'last'}", "last"),
        ("${opt:nope, ''}", ""),
        ("${opt:nope, null}", None),
        ("${sls:stage}", "dev"),
        ("${aws:region}", "us-east-1"),
        ("${aws:accountId}", "123456789012"),
        ("${self:provider.stage}/${self:provider.region}", "dev/us-east-1"),
        ("${param:size}", "small"),
        ("${param:color}", "hello"),
        ("${strToBool(1)}", True),
        ("${strToBool(${self:custom.flag})}", False),
        ("${ssm:/path, 'local'}", "local"),
        ("arn:${AWS::Region}:${self:custom.text}", "arn:${AWS::Region}:hello"),
        (r"\${self:custom.text}", "${self:custom.text}"),
    ],
)
def test_a_variable_stands_for_a_value(resolved: Resolve, text: str, value: object) -> None:
    """Alone it keeps the value's type; within text it is written out."""
    assert resolved(text) == value


def test_options_and_the_environment_are_looked_up(resolved: Resolve) -> None:
    """`${opt:}` takes what was given on the command line, `${env:}` what is set."""
    options, environ = {"color": "red"}, {"HOME": "/root", "EMPTY": ""}
    assert resolved("${opt:color}", options=options) == "red"
    assert resolved("${env:HOME}${env:EMPTY}", environ=environ) == "/root"


def test_an_environment_value_is_not_read_as_a_template(resolved: Resolve) -> None:
    """What comes from outside is data."""
    assert resolved("${env:X}", environ={"X": "${self:custom.text}"}) == "${self:custom.text}"


def test_stage_and_region_given_on_the_command_line_win(resolved: Resolve) -> None:
    """As with the framework: --stage before provider.stage before dev."""
    template = "provider: {stage: test, region: eu-west-1}"
    text = "${sls:stage} ${opt:stage, 'none'} ${aws:region}"
    given = {"stage": "prod", "region": "us-west-2"}
    assert resolved.node(text, template=template).value == "test none eu-west-1"
    assert resolved.node(text, template=template, options=given).value == "prod prod us-west-2"


def test_the_region_may_come_from_the_environment(resolved: Resolve) -> None:
    """AWS_REGION counts where the template names none."""
    assert resolved("${aws:region}", environ={"AWS_REGION": "eu-north-1"}) == "eu-north-1"


def test_a_parameter_of_the_stage_goes_before_the_default(resolved: Resolve) -> None:
    """`params.prod.size` before `params.default.size`."""
    assert resolved("${param:size}", options={"stage": "prod"}) == "large"


def test_parameters_may_stand_under_stages(resolved: Resolve) -> None:
    """Where version 4 of the framework keeps them."""
    assert resolved("${param:depth}", options={"stage": "prod"}) == 3
    assert resolved("${param:depth}") == 1


def test_files_are_read_relative_to_the_template(resolved: Resolve) -> None:
    """YAML and JSON by address, other files as text; variables in them resolve, too."""
    (resolved.folder / "env").mkdir()
    (resolved.folder / "env/dev.yml").write_text("a:\n  - b: ${self:custom.text}\n")
    (resolved.folder / "c.json").write_text('{"key": {"x": 1}}')
    (resolved.folder / "motd.txt").write_text("welcome\n")
    assert resolved("${file(env/${sls:stage}.yml):a.0.b}") == "hello"
    assert resolved("${file(./c.json):key.x}") == 1
    assert resolved("${file('motd.txt')}") == "welcome\n"
    assert resolved("${file(missing.yml):a, 'none'}") == "none"


def test_values_from_files_keep_their_places(resolved: Resolve) -> None:
    """An error in an included file names that file."""
    (resolved.folder / "part.yml").write_text("\n\nx: 1\n")
    assert str(resolved.node("${file(part.yml):x}").place) == "part.yml:3"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "${opt:x}",
            (
                "serverless.yml:9: ${opt:x} has no value: option --x is not given; "
                "a file given by --values can set it, as x of options"
            ),
        ),
        (
            "${opt:stage}",
            "serverless.yml:9: ${opt:stage} has no value: option --stage is not given",
        ),
        (
            "${env:X, self:no.where}",
            (
                "serverless.yml:9: ${env:X, self:no.where} has no value: "
                "environment variable X is not set; there is no no.where"
            ),
        ),
        (
            "${self:custom.nothing}",
            "serverless.yml:9: ${self:custom.nothing} has no value: custom.nothing is empty",
        ),
        (
            "${param:x}",
            (
                "serverless.yml:9: ${param:x} has no value: "
                "params has no x for stage dev, nor a default; "
                "a file given by --values can set it, as x of parameters"
            ),
        ),
        (
            "${file(no.yml):x}",
            "serverless.yml:9: ${file(no.yml):x} has no value: there is no file no.yml",
        ),
        (
            "${ssm:/a}",
            (
                "serverless.yml:9: ${ssm:/a} has no value: it asks AWS, which is not done here; "
                "a file given by --values can set it, as /a of ssm"
            ),
        ),
        (
            "${vault:a, 'x'}",
            (
                "serverless.yml:9: unknown variable source 'vault'; "
                "known are aws, cf, env, file, opt, param, s3, self, sls, ssm, strToBool"
            ),
        ),
        ("${sls:x}", "serverless.yml:9: there is no ${sls:x}; known are instanceId, stage"),
        ("${aws:x}", "serverless.yml:9: there is no ${aws:x}; known are accountId, region"),
        (
            "a ${self:custom.list}",
            "serverless.yml:9: ${self:custom.list} is a list, which can't stand inside text",
        ),
        (
            "${self:custom",
            (
                "serverless.yml:9: malformed variable: "
                "${self:custom has no closing bracket in its place"
            ),
        ),
        ("${file():x}", "serverless.yml:9: file() needs a path"),
        (
            "${file(x.js):y}",
            "serverless.yml:9: x.js: code is not run here; only YAML and JSON files are read",
        ),
        (
            "${strToBool(maybe)}",
            "serverless.yml:9: strToBool takes true, false, 1 or 0, not 'maybe'",
        ),
        ("${self:custom.loop}", "serverless.yml:10: ${self:custom.pool} refers to itself"),
        ("${self:custom.inner}", "serverless.yml:12: ${self:custom.inner.x} refers to itself"),
    ],
)
def test_a_variable_without_value_is_refused_by_name_and_place(
    resolved: Resolve, text: str, sentence: str
) -> None:
    """File, line, the variable as written, and why each source failed."""
    (resolved.folder / "x.js").write_text("module.exports = {}")
    assert resolved.refusal(text) == sentence


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${ssm:/shop/key}", "k"),
        ("${ssm(raw):/shop/key}", "k"),
        ("${aws:ssm:/shop/key}", "k"),
        ("${cf:net.Url}", "plain"),
        ("${cf(eu-west-1):net.Url}", "of the region"),
        ("${cf(us-east-2):net.Url}", "plain"),
        ("${s3:bucket/key}", "content"),
        ("${ssm:/${self:custom.text}}!", "by variable!"),
        ("${ssm:/other, 'default'}", "default"),
        ("${param:colour}", "blue"),
    ],
)
def test_the_values_file_stands_for_what_aws_would_be_asked(
    resolved: Resolve, text: str, value: str
) -> None:
    """Parameters, outputs of other stacks (first those of the region that is named), objects."""
    values = Values(
        ssm={"/shop/key": "k", "/hello": "by variable"},
        cf={"net.Url": "plain", "eu-west-1:net.Url": "of the region"},
        s3={"bucket/key": "content"},
        parameters={"colour": "blue"},
    )
    assert resolved(text, values=values) == value


def test_a_variable_that_nobody_reads_may_fail(resolved: Resolve) -> None:
    """The template's own `custom.secret` asks AWS; only reading it is an error."""
    assert resolved("${self:custom.text}") == "hello"
    assert "it asks AWS" in resolved.refusal("${self:custom.secret}")


def test_a_long_chain_of_variables_is_refused(resolved: Resolve) -> None:
    """Bounded, instead of running out of stack."""
    links = "\n".join(f"a{n}: ${{self:a{n + 1}}}" for n in range(500))
    assert "stands behind too many variables" in resolved.refusal("${self:a0}", template=links)


def test_text_that_doubles_again_and_again_is_refused(resolved: Resolve) -> None:
    """Bounded, instead of running out of memory."""
    links = "\n".join(f"a{n}: ${{self:a{n + 1}}}${{self:a{n + 1}}}" for n in range(40))
    refusal = resolved.refusal("${self:a0}", template=f"{links}\na40: x")
    assert refusal.endswith("this text becomes too long")


@pytest.mark.parametrize("stage", ["", "a b", "x" * 129, "ü", "a/b"])
def test_a_stage_that_the_gateway_would_not_have_is_refused(tmp_path: Path, stage: str) -> None:
    """Letters, digits, `-` and `_`, at most 128 (B-009)."""
    with pytest.raises(TemplateError, match=r"^--stage: .* can't be a stage$"):
        Variables(parse_yaml("a: 1", "s.yml"), tmp_path, {"stage": stage}, {}).stage()


@given(
    text=st.text(alphabet=st.sampled_from("${}:(),'\" .selfoptnvi"), max_size=60)
    | st.tuples(
        st.sampled_from(["self", "opt", "env", "file", "sls", "param", "aws", "strToBool", "x"]),
        st.text(max_size=20),
    ).map(lambda parts: f"${{{parts[0]}({parts[1]}):{parts[1]}, '{parts[1]}'}}")
)
@example("${file(/):/, '/'}")
def test_any_text_resolves_or_is_refused_with_its_place(text: str) -> None:
    """No other exception, whatever the text."""
    root = parse_yaml(TEMPLATE, "serverless.yml")
    variables = Variables(root, NOWHERE, {}, {})
    try:
        assert isinstance(variables.resolve(Node(text, Place("serverless.yml", 9))), Node)
    except TemplateError as error:
        assert error.line is not None  # noqa: PT017 - refusal is one of two right ends
