"""Telling the kinds of templates apart."""

from pathlib import Path

import pytest

from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.reader import DEFAULT_NAMES, find_template, read_template
from gatepost.gateway.template.values import Values

SAM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes: {$default: {FunctionArn: !GetAtt F.Arn}}
  F:
    Type: AWS::Serverless::Function
    Properties: {Handler: a.b, Runtime: python3.13}
"""
SERVERLESS = """
service: shop
provider: {name: aws}
functions: {f: {handler: a.b, events: [{websocket: $connect}]}}
resources: {Resources: {Bucket: {Type: AWS::S3::Bucket}}}
"""


@pytest.mark.parametrize(
    ("name", "text", "stage"),
    [
        ("template.yaml", SAM, "default"),
        ("anything.yml", SAM, "default"),
        ("serverless.yml", SERVERLESS, "dev"),
        ("template.yml", SERVERLESS, "dev"),
    ],
)
def test_a_template_s_kind_is_told_by_what_it_says(
    tmp_path: Path, name: str, text: str, stage: str
) -> None:
    """Its name says nothing."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_template(tmp_path / name, stage=None, environ={}).stage == stage


def test_the_first_of_the_known_names_is_found(tmp_path: Path) -> None:
    """serverless.yml goes first, where a project has both."""
    for name in reversed(DEFAULT_NAMES):
        (tmp_path / name).touch()
        assert find_template(tmp_path) == tmp_path / name


def test_a_folder_without_a_template_tells_what_was_looked_for(tmp_path: Path) -> None:
    """The next step is in the sentence."""
    with pytest.raises(TemplateError) as caught:
        find_template(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: has none of serverless.yml, serverless.yaml, serverless.json, "
        "template.yaml, template.yml, template.json; --template names another template"
    )


def test_a_configuration_that_is_a_program_tells_what_makes_a_template_of_it(
    tmp_path: Path,
) -> None:
    """As projects of TypeScript often have it."""
    (tmp_path / "serverless.ts").touch()
    with pytest.raises(TemplateError, match=r"serverless\.ts: is a program.*`osls package`"):
        find_template(tmp_path)
    (tmp_path / "template.yaml").touch()
    assert find_template(tmp_path) == tmp_path / "template.yaml"


def test_options_of_the_values_file_stand_for_those_of_a_command_line(tmp_path: Path) -> None:
    """`${opt:NAME}`; the stage that is given to us wins over theirs."""
    path = tmp_path / "serverless.yml"
    path.write_text(SERVERLESS.replace("shop", "${opt:product}"), encoding="utf-8")
    values = Values(options={"product": "toys", "stage": "theirs"})
    assert read_template(path, stage=None, environ={}, values=values).service == "toys"
    assert read_template(path, stage=None, environ={}, values=values).stage == "theirs"
    assert read_template(path, stage="ours", environ={}, values=values).stage == "ours"


@pytest.mark.parametrize(
    ("files", "advice"),
    [(["template.yml"], "give {folder}/template.yml"), ([], "name the template in it")],
)
def test_a_folder_is_no_template(tmp_path: Path, files: list[str], advice: str) -> None:
    """The sentence names the template that the folder has."""
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(TemplateError) as caught:
        read_template(tmp_path, stage=None, environ={})
    assert str(caught.value) == f"{tmp_path}: is a folder: {advice.format(folder=tmp_path)}"
