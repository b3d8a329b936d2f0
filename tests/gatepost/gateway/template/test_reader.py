"""Telling the kinds of templates apart."""

from pathlib import Path

import pytest

from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.reader import find_template, read_template

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
    for name in ("template.yml", "template.yaml", "serverless.yml"):
        (tmp_path / name).touch()
        assert find_template(tmp_path) == tmp_path / name


def test_a_folder_without_a_template_tells_what_was_looked_for(tmp_path: Path) -> None:
    """The next step is in the sentence."""
    with pytest.raises(TemplateError) as caught:
        find_template(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: has none of serverless.yml, template.yaml, template.yml; "
        "--template names another template"
    )


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
