"""The form of a plan."""

import json
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.terraform_plan import is_plan, read_plan

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gatepost.gateway.template.terraform_project import TerraformProject

FUNCTION = {"type": "aws_lambda_function", "name": "this"}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("plan.json", '{"format_version": "1.2", "planned_values": {}}', True),
        ("state.json", '{"format_version": "1.0", "terraform_version": "1.11.4"}', True),
        ("template.json", '{"Resources": {}}', False),
        ("plan.json", "[1]", False),
        ("plan.json", "{", False),
        ("plan.json", "[" * 100_000, False),
        ("plan.yml", '{"format_version": "1.2", "planned_values": {}}', False),
    ],
)
def test_a_plan_is_told_by_its_form(
    tmp_path: "Path",
    name: str,
    content: str,
    expected: bool,  # noqa: FBT001
) -> None:
    """JSON alone, with a version of the format."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert is_plan(tmp_path / name) is expected
    assert not is_plan(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{}", "has no planned_values; make it with `terraform show -json PLAN > plan.json`"),
        ('{"planned_values": 1}', "is no Terraform plan: Expected `object | null`, got `int`"),
        ("{", "is no Terraform plan: Input data was truncated"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: "Path", content: str, sentence: str) -> None:
    """With the path at fault."""
    path = tmp_path / "plan.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        read_plan(path)
    assert sentence in str(caught.value)


def test_modules_are_found_by_address_with_configuration_and_sources(tmp_path: "Path") -> None:
    """A local one in its folder, one of a registry where `terraform init` put it."""
    local, registry = 'module.web["a.b"]', "module.other.module.deep"
    call = {"module": {"resources": [{**FUNCTION, "address": "x", "expressions": {"role": {}}}]}}
    modules = [
        {"address": local, "resources": [{**FUNCTION, "address": f"{local}.x", "values": {}}]},
        {"address": "module.other", "child_modules": [{"address": registry}]},
    ]
    plan = {
        "planned_values": {"root_module": {"child_modules": modules}},
        "configuration": {
            "root_module": {
                "module_calls": {
                    "web": {**call, "source": "./modules/web"},
                    "other": {"module": {"module_calls": {"deep": {"source": "corp/deep"}}}},
                }
            }
        },
    }
    manifest = {"Modules": [{"Key": "other.deep", "Dir": ".terraform/modules/other.deep"}]}
    for folder, content in (
        (".", "locals {\n  a = 1\n}\n"),
        ("modules/web", "locals {\n  b = 1\n}\n"),
        (".terraform/modules/other.deep", "locals {\n  c = 1\n}\n"),
    ):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "main.tf").write_text(content, encoding="utf-8")
    (tmp_path / ".terraform/modules/modules.json").write_text(
        json.dumps(manifest), encoding="utf-8"
    )
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    root = read_plan(tmp_path / "plan.json").root
    web, other = root.children
    assert (web.name, web.key) == ("web", "a.b")
    assert web.resources[0].expressions == {"role": {}}
    sources = [module.source.blocks[0][2].attributes for module in (root, web, other.children[0])]
    assert [list(names) for names in sources] == [["a"], ["b"], ["c"]]


def test_data_sources_that_were_read_while_planning_are_there_too(
    plan: "TerraformProject",
) -> None:
    """The plan keeps them in the state before it."""
    archive = {"address": "data.archive_file.app", "mode": "data", "type": "archive_file",
               "name": "app", "values": {"source_dir": "src"}}  # fmt: skip
    plan.tree = {"prior_state": {"values": {"root_module": {"resources": [archive]}}}}
    assert read_plan(plan.write()).of_type("archive_file")[0].values == {"source_dir": "src"}


def test_a_source_that_cannot_be_read_is_passed_over_with_a_notice(
    plan: "TerraformProject",
) -> None:
    """What only it says is unknown then."""
    assert read_plan(plan.write("oops")).notices == (
        "main.tf is not read: line 1: expected a label or {",
    )
