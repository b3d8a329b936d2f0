"""What is packaged for: as serverless.yml says, or as is asked."""

from pathlib import Path

import pytest

from infra.packaging.errors import UsageError
from infra.packaging.target import Target, read_target

TEMPLATE = "provider:\n  runtime: python3.13\n  architecture: arm64\nresources: !Ref Nothing\n"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Write a template."""
    path = tmp_path / "serverless.yml"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


def test_runtime_and_architecture_are_the_templates(template: Path) -> None:
    """Tags of CloudFormation are passed over."""
    target = read_target(template, runtime=None, architecture=None)
    assert (target, target.platform) == (Target("3.13", "arm64"), "aarch64-manylinux_2_28")


def test_what_is_asked_for_goes_first(template: Path) -> None:
    """For a template whose values are variables, and for trying."""
    template.write_text("provider: {runtime: '${opt:runtime}'}", encoding="utf-8")
    target = read_target(template, runtime="python3.14", architecture="x86_64")
    assert (target.python, target.platform) == ("3.14", "x86_64-manylinux_2_28")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("provider: {runtime: nodejs22.x, architecture: arm64}", "nodejs22.x is none of Python"),
        ("provider: {architecture: arm64}", "give it with --runtime"),
        ("provider: {runtime: python3.13}", "give it with --architecture"),
        ("provider: {runtime: python3.13, architecture: '${param:a}'}", "--architecture"),
        ("provider: {runtime: python3.13, architecture: riscv}", "arm64 or x86_64"),
        ("[unclosed", "is no YAML"),
    ],
)
def test_what_is_not_said_plainly_is_refused(template: Path, text: str, said: str) -> None:
    """With what to do about it."""
    template.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        read_target(template, runtime=None, architecture=None)


def test_a_folder_without_template_is_refused(tmp_path: Path) -> None:
    """The command is run in the project's folder."""
    with pytest.raises(UsageError, match="run this in the project's folder"):
        read_target(tmp_path / "serverless.yml", runtime=None, architecture=None)
