"""Functions of a plan."""

import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.values import Values

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.terraform_project import TerraformProject

HELLO = "aws_lambda_function.hello"
UNKNOWN: dict[str, Any] = {"environment": [{"variables": {"B": True}}]}


def test_a_function_has_the_provider_s_defaults(plan: "TerraformProject") -> None:
    """3 s and 128 MB, two retries, the folder of the plan."""
    function = plan.read().functions["hello"]
    assert (function.handler, function.runtime) == ("app.main", "python3.13")
    assert (function.timeout_s, function.memory_mb, function.retry_attempts) == (3, 128, 2)
    assert (function.code_root, function.environment) == (plan.folder, {})


def test_settings_retries_and_layers_are_read(plan: "TerraformProject") -> None:
    """Layers have no effect, which a notice says."""
    dead = [{"target_arn": "arn:y"}]
    plan.add(HELLO, timeout=20, memory_size=512, layers=["arn:x"], dead_letter_config=dead)
    plan.add(
        "aws_lambda_function_event_invoke_config.hello",
        function_name="hello",
        maximum_retry_attempts=0,
        maximum_event_age_in_seconds=90,
    )
    deployment = plan.read()
    function = deployment.functions["hello"]
    assert (function.timeout_s, function.memory_mb, function.retry_attempts) == (20, 512, 0)
    assert (function.event_age_s_max, function.dead_letters) == (90, True)
    assert deployment.notices == (f"layers of {HELLO} have no effect here",)


@pytest.mark.parametrize(
    ("package", "files", "folder"),
    [
        ({"filename": "build/app.zip"}, ["build/app/app.py"], "build/app"),
        ({"filename": "../dist/code.zip"}, ["code/app.py"], "code"),
        ({"s3_key": "releases/code.zip"}, ["code/app.js"], "code"),
        ({"filename": "x.zip"}, ["src/app/__init__.py"], "src"),
        ({"filename": "made/../of/build/x.zip"}, ["of/app.py"], "of"),
        ({"filename": "->data.archive_file.app.output_path"}, ["lib/app.mjs"], "lib"),
    ],
)
def test_the_folder_of_a_package_is_the_one_that_has_the_handler(
    plan: "TerraformProject", package: dict[str, str], files: list[str], folder: str
) -> None:
    """By the package's name, what its archive is made of, or a usual name."""
    (plan.folder / "app.py").unlink()
    for file in files:
        (plan.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (plan.folder / file).write_text("", encoding="utf-8")
    plan.add("data.archive_file.app", source_dir="lib")
    plan.add(HELLO, **package)  # type: ignore[arg-type] # attributes of a resource
    assert plan.read().functions["hello"].code_root == plan.folder / folder


def test_sources_of_an_object_in_s3_are_found_by_its_archive(plan: "TerraformProject") -> None:
    """The function names the object's key, the object the archive."""
    (plan.folder / "app.py").rename(plan.folder / "lib.py")
    (plan.folder / "code/chat").mkdir(parents=True)
    (plan.folder / "lib.py").rename(plan.folder / "code/chat/app.py")
    plan.add("data.archive_file.app", source_dir="code/chat")
    plan.add("aws_s3_object.app", source="->data.archive_file.app.output_path")
    plan.add(HELLO, s3_key="->aws_s3_object.app.key")
    assert plan.read().functions["hello"].code_root == plan.folder / "code/chat"


@pytest.mark.parametrize("at", ["function", "object"])
def test_a_zip_file_without_sources_is_unpacked(plan: "TerraformProject", at: str) -> None:
    """Also one that an object in S3 is made from."""
    (plan.folder / "app.py").unlink()
    with zipfile.ZipFile(plan.folder / "made.zip", "w") as archive:
        archive.writestr("app.py", "def main(event, context): ...")
    if at == "function":
        plan.add(HELLO, filename="made.zip")
    else:
        plan.add("aws_s3_object.app", source="made.zip")
        plan.add(HELLO, s3_key="->aws_s3_object.app.key")
    deployment = plan.read()
    root = deployment.functions["hello"].code_root
    assert root.parent == plan.folder / ".gatepost/unpacked"
    assert (root / "app.py").is_file()
    assert deployment.notices[0].startswith(f"{HELLO} is run from made.zip alone, unpacked to")


def test_a_zip_file_that_is_none_is_refused(plan: "TerraformProject") -> None:
    """With the function that it is of."""
    (plan.folder / "app.py").unlink()
    (plan.folder / "made.zip").touch()
    plan.add(HELLO, filename="made.zip")
    with pytest.raises(TemplateError, match=r"made\.zip, which can't be unpacked"):
        plan.read()


def test_a_package_whose_folder_is_not_found_is_asked_for(plan: "TerraformProject") -> None:
    """By address, in the values file."""
    plan.add(HELLO, handler="main.handler")
    with pytest.raises(TemplateError, match="has a package whose folder isn't found: none of"):
        plan.read()
    hint = Values(resources={HELLO: {"source_dir": "code"}})
    assert plan.read(values=hint).functions["hello"].code_root == plan.folder / "code"


def test_a_variable_that_is_unknown_is_refused_unless_it_is_given(
    plan: "TerraformProject",
) -> None:
    """By the values file or an environment file."""
    plan.add(HELLO, unknown=UNKNOWN, environment=[{"variables": {"A": 1}}])
    with pytest.raises(TemplateError) as caught:
        plan.read()
    assert f"{HELLO} sets B from {HELLO}.environment.variables, which is only known" in str(
        caught.value
    )
    assert f"resources, {HELLO}, environment.B" in str(caught.value)
    given = Values(resources={HELLO: {"environment.B": "b"}})
    assert plan.read(values=given).functions["hello"].environment == {"A": "1", "B": "b"}
    assert plan.read(overridden={"B"}).functions["hello"].environment == {"A": "1"}


def test_a_whole_environment_that_is_unknown_is_refused_unless_it_is_given(
    plan: "TerraformProject",
) -> None:
    """Nobody knows its names then."""
    plan.add(HELLO, unknown={"environment": [{"variables": True}]}, environment=[{}])
    with pytest.raises(TemplateError, match="has an environment from"):
        plan.read()
    given = Values(resources={HELLO: {"environment.B": "b"}})
    assert plan.read(values=given).functions["hello"].environment == {"B": "b"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"package_type": "Image"}, "a container image names no handler"),
        ({"handler": "app"}, "has handler 'app'; it must be a module and a name"),
        ({"runtime": None}, "needs function_name, handler and runtime"),
        ({"timeout": 901}, "has timeout that is no number up to 900"),
        ({"timeout": True}, "has timeout that is no number up to 900"),
        ({"environment": [{"variables": {"A": []}}]}, "sets A to what is no text"),
    ],
)
def test_a_function_that_cannot_be_run_is_refused(
    plan: "TerraformProject", values: dict[str, Any], sentence: str
) -> None:
    """If a route needs it; else it is left out, and a notice says why."""
    plan.add_function("other", **values)
    deployment = plan.read()
    assert set(deployment.functions) == {"hello"}
    assert deployment.notices[0].startswith("aws_lambda_function.other is left out: ")
    assert sentence in deployment.notices[0]
    plan.add(HELLO, **values)
    with pytest.raises(TemplateError) as caught:
        plan.read()
    assert sentence in str(caught.value)


def test_a_function_of_another_runtime_is_left_out_if_nothing_needs_it(
    plan: "TerraformProject",
) -> None:
    """The runner refuses it where a route does."""
    plan.add_function("other", runtime="java21")
    deployment = plan.read()
    assert set(deployment.functions) == {"hello"}
    assert "has the runtime java21, which can't be run here" in deployment.notices[0]
