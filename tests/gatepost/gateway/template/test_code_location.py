"""Where a function's code lies."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.code_location import project_of
from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.reader import read_template
from gatepost.gateway.template.values import NO_VALUES, Values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatepost.gateway.core.deployment import Deployment

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes: {{$default: {{FunctionArn: !GetAtt F.Arn}}}}
  F:
    Type: {kind}
    Metadata: {metadata}
    Properties: {{Handler: index.handler{code}}}
"""
LAMBDA = "AWS::Lambda::Function"
SERVERLESS = "AWS::Serverless::Function"


def read(
    path: Path,
    code: str,
    kind: str = LAMBDA,
    *,
    metadata: "Mapping[str, str] | None" = None,
    values: Values = NO_VALUES,
) -> "Deployment":
    """Read a template at `path` whose one function has its code so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if "Runtime" not in code:
        code += ", Runtime: python3.13"
    text = TEMPLATE.format(kind=kind, code=code, metadata=dict(metadata or {}))
    path.write_text(text, encoding="utf-8")
    return read_template(path, stage=None, environ={}, values=values)


def code_root(deployment: "Deployment") -> Path:
    """Return where the one function's code lies."""
    (function,) = deployment.functions.values()
    return function.code_root


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (SERVERLESS, ", CodeUri: src/"),
        (LAMBDA, ", Code: ./src"),
        (SERVERLESS, ", CodeUri: ../p/src"),
    ],
)
def test_a_folder_is_relative_to_the_template(tmp_path: Path, kind: str, code: str) -> None:
    """As `sam build` and `aws cloudformation package` take it."""
    (tmp_path / "p/src").mkdir(parents=True)
    deployment = read(tmp_path / "p/template.yaml", code, kind)
    assert code_root(deployment) == tmp_path / "p/src"
    assert deployment.root == tmp_path / "p"


def test_a_sam_function_without_code_uri_is_beside_the_template(tmp_path: Path) -> None:
    """As `sam local` takes it."""
    assert code_root(read(tmp_path / "template.yaml", "", SERVERLESS)) == tmp_path


def test_what_sam_build_made_is_run_from_there(tmp_path: Path) -> None:
    """The project stays the folder above, whose .venv counts."""
    (tmp_path / ".aws-sam/build/F").mkdir(parents=True)
    deployment = read(tmp_path / ".aws-sam/build/template.yaml", ", CodeUri: F", SERVERLESS)
    assert code_root(deployment) == tmp_path / ".aws-sam/build/F"
    assert deployment.root == tmp_path


def test_an_asset_of_the_cdk_is_in_cdk_out(tmp_path: Path) -> None:
    """By `aws:asset:path`, relative or absolute, else by the hash that names the archive."""
    asset = tmp_path / "cdk.out/asset.abc"
    asset.mkdir(parents=True)
    template = tmp_path / "cdk.out/Chat.template.json.yaml"
    key = ", Code: {S3Bucket: b, S3Key: abc.zip}"
    for metadata in ({"aws:asset:path": "asset.abc"}, {"aws:asset:path": str(asset)}, None):
        deployment = read(template, key, metadata=metadata)
        assert code_root(deployment) == asset
        assert deployment.root == tmp_path


def test_a_packaged_archive_is_run_from_the_project_s_sources(tmp_path: Path) -> None:
    """The archive's handlers are paths within the project."""
    code = ", Code: {S3Bucket: !Ref Bucket, S3Key: serverless/p/p.zip}"
    assert code_root(read(tmp_path / ".serverless/stack.yaml", code)) == tmp_path


@pytest.mark.parametrize("place", ["k/index.py", "index.py", "src/index.py", "lambda/index.mjs"])
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (LAMBDA, ", Code: {S3Bucket: b, S3Key: v1/k.zip}"),
        (SERVERLESS, ", CodeUri: s3://b/v1/k.zip"),
    ],
)
def test_an_archive_in_s3_is_run_from_the_folder_that_has_the_handler_s_file(
    tmp_path: Path, kind: str, code: str, place: str
) -> None:
    """Beside the template, as with those that a script packs and uploads."""
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).touch()
    assert code_root(read(tmp_path / "stack.yaml", code, kind)) == (tmp_path / place).parent


def test_the_values_file_names_the_folder_of_an_archive_in_s3(tmp_path: Path) -> None:
    """Relative to the template; it wins over what is found."""
    (tmp_path / "p").mkdir()
    (tmp_path / "p/index.py").touch()
    (tmp_path / "code").mkdir()
    values = Values(resources={"F": {"source_dir": "../code"}})
    code = ", Code: {S3Bucket: b, S3Key: k.zip}"
    assert code_root(read(tmp_path / "p/stack.yaml", code, values=values)) == tmp_path / "code"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (LAMBDA, ", Code: {ZipFile: !Sub 'x = 1 # ${AWS::Region}'}"),
        (SERVERLESS, ", InlineCode: 'x = 1 # us-east-1'"),
    ],
)
def test_code_in_the_template_is_written_where_it_can_be_debugged(
    tmp_path: Path, kind: str, code: str
) -> None:
    """Into a folder that git ignores; its name is Lambda's."""
    root = code_root(read(tmp_path / "template.yaml", code, kind))
    assert root == tmp_path / ".gatepost/inline/F"
    assert (root / "index.py").read_text(encoding="utf-8") == "x = 1 # us-east-1"
    assert (tmp_path / ".gatepost/.gitignore").read_text(encoding="utf-8") == "*\n"


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("template.yaml", ", Code: dist/f.zip"),
        ("cdk.out/Chat.template.json.yaml", ", Code: {S3Bucket: b, S3Key: abc.zip}"),
    ],
)
def test_code_that_is_only_in_a_zip_file_is_unpacked(
    tmp_path: Path, template: str, code: str
) -> None:
    """Into a folder that git ignores; a notice says that edits need a new archive."""
    for name in ("dist/f.zip", "cdk.out/asset.abc.zip"):
        (tmp_path / name).parent.mkdir()
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("index.py", "def handler(event, context): ...")
    deployment = read(tmp_path / template, code)
    root = code_root(deployment)
    assert root.parent == tmp_path / ".gatepost/unpacked"
    assert (root / "index.py").is_file()
    assert (tmp_path / ".gatepost/.gitignore").is_file()
    assert any("F is run from" in notice for notice in deployment.notices)


def test_an_archive_of_another_language_is_left_alone(tmp_path: Path) -> None:
    """It can't be run anyhow."""
    (tmp_path / "a.jar").touch()
    with pytest.raises(TemplateError, match="only those of Python and Node are unpacked"):
        read(tmp_path / "template.yaml", ", Code: a.jar, Runtime: java21")


@pytest.mark.parametrize(
    ("kind", "code", "sentence"),
    [
        (LAMBDA, "", "Resources.F needs Code"),
        (LAMBDA, ", Code: nope", "F.Properties.Code is nope, which is not there"),
        (LAMBDA, ", Code: a.zip", "is a.zip, which can't be unpacked: File is not a zip file"),
        (SERVERLESS, ", CodeUri: 's3://b/k'", "lies in S3, and the file of index.handler is not"),
        (LAMBDA, ", Code: {S3Bucket: b, S3Key: k.zip}", "resources, F, source_dir"),
        (SERVERLESS, ", CodeUri: {Bucket: b, Key: k.zip}", "resources, F, source_dir"),
        (LAMBDA, ", Code: {ImageUri: x}", "is a container image"),
        (SERVERLESS, ", ImageUri: x", "is a container image"),
        (LAMBDA, ", Code: ['a']", "Code must be a text"),
    ],
)
def test_code_that_is_not_here_as_a_folder_is_refused(
    tmp_path: Path, kind: str, code: str, sentence: str
) -> None:
    """With the way out, where there is one."""
    (tmp_path / "a.zip").touch()
    with pytest.raises(TemplateError) as caught:
        read(tmp_path / "template.yaml", code, kind)
    assert sentence in str(caught.value)


def test_a_packaging_folder_belongs_to_the_project_around_it() -> None:
    """Any other folder is the project itself."""
    project = Path("/p")
    for folder in (".serverless", ".osls", "cdk.out", ".aws-sam", ".aws-sam/build"):
        assert project_of(project / folder) == project
    assert project_of(project / "src") == project / "src"
