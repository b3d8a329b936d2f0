"""The files of docs/how-to/ci, which a project copies: valid, and no more rights than needed."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml

from infra.deploying.needs import satisfies
from tests.infra.own_name import own_name

if TYPE_CHECKING:
    from tests.infra.conftest import Package

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/how-to/ci"
WORKFLOW = FOLDER / "deploy.yml"
SERVICES = {
    "ApiGateway": "apigateway",
    "ApiGatewayV2": "apigateway",
    "CloudWatch": "cloudwatch",
    "DynamoDB": "dynamodb",
    "IAM": "iam",
    "Lambda": "lambda",
    "Logs": "logs",
    "S3": "s3",
    "SNS": "sns",
    "SQS": "sqs",
}


def schema_complaints(path: Path) -> str:
    """What the schema of GitHub's workflows, which comes with the tool, says of a file."""
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.github-workflows", str(path)),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    return "" if finished.returncode == 0 else finished.stdout + finished.stderr


def workflow() -> dict[str, Any]:
    """The workflow; `on` is read as a text, which YAML 1.1 would take for true."""
    return cast("dict[str, Any]", yaml.load(WORKFLOW.read_text("utf-8"), yaml.BaseLoader))  # noqa: S506 - texts alone


def steps() -> list[dict[str, Any]]:
    """The steps of its one job."""
    return list(workflow()["jobs"]["deploy"]["steps"])


def policy(name: str) -> dict[str, Any]:
    """A policy."""
    return cast("dict[str, Any]", json.loads((FOLDER / name).read_text("utf-8")))


def test_the_workflow_is_one_by_githubs_schema() -> None:
    """No key that isn't one, no type that is another."""
    assert schema_complaints(WORKFLOW) == ""


def test_a_workflow_with_a_mistake_is_found(tmp_path: Path) -> None:
    """So that the test above can fail."""
    broken = tmp_path / "deploy.yml"
    broken.write_text(WORKFLOW.read_text("utf-8").replace("runs-on:", "run-on:"), "utf-8")
    assert "runs-on" in schema_complaints(broken)


def test_the_workflow_may_read_the_code_and_ask_for_its_token_and_nothing_else() -> None:
    """What is not named is not allowed."""
    assert workflow()["permissions"] == {"contents": "read", "id-token": "write"}


def test_no_script_of_the_workflow_is_put_together_from_expressions() -> None:
    """What somebody names a branch or a variable must not become a command."""
    scripts = [step["run"] for step in steps() if "run" in step]
    assert scripts
    assert not [script for script in scripts if "${{" in script]


def test_the_workflow_calls_targets_that_there_are() -> None:
    """Of the Makefile, but for that which builds the archives where it is missing."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    called = {
        name for step in steps() for name in re.findall(r"\bmake ([a-z]+)", step.get("run", ""))
    }
    assert called == {"package", "deploy", "smoke"}
    assert called - {"package"} <= targets


def test_the_workflow_has_the_python_of_the_runtime_and_a_node_for_osls() -> None:
    """Else bytecode is of no use, or osls does not start."""
    versions = {name: value for step in steps() for name, value in step.get("with", {}).items()}
    template = (ROOT / "serverless.yml").read_text("utf-8")
    assert f"runtime: python{versions['python-version']}\n" in template
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    engines = lock["packages"]["node_modules/osls"]["engines"]["node"]
    assert satisfies(f"v{versions['node-version']}.99.0", engines)


def test_the_workflow_hands_on_every_setting_that_the_template_takes_from_the_environment() -> None:
    """One that is forgotten would be deployed empty."""
    template = (ROOT / "serverless.yml").read_text("utf-8")
    wanted = set(re.findall(r"\$\{env:([A-Z_]+)", template))
    [deploying] = [step for step in steps() if step.get("name") == "Deploy"]
    assert wanted <= deploying["env"].keys()


def test_only_one_environment_of_one_repository_is_trusted() -> None:
    """A wildcard would let in any branch, or anybody's repository."""
    [statement] = policy("trust-policy.json")["Statement"]
    conditions = statement["Condition"]
    assert conditions.keys() == {"StringEquals"}
    assert all("*" not in value for value in conditions["StringEquals"].values())
    assert {name.rpartition(":")[2] for name in conditions["StringEquals"]} == {"aud", "sub"}


def test_rights_end_at_this_service_and_stage() -> None:
    """But for APIs, which have no names, and for what has no resource."""
    for statement in policy("permissions-policy.json")["Statement"]:
        resources = statement["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            unnamed = statement["Sid"] in {"WithoutAResource", "ApisWhichHaveNoNames"}
            assert unnamed or f"{own_name()}-dev" in resource


def test_rows_can_be_neither_read_nor_written() -> None:
    """Who deploys has no business with what users say."""
    text = (FOLDER / "permissions-policy.json").read_text("utf-8")
    assert not re.search(
        r"dynamodb:(\*|Get[^R]|BatchGet|Put|Query|Scan|UpdateItem|DeleteItem)", text
    )


@pytest.mark.parametrize("kind", ["permissions", "trust"])
def test_policies_are_such_by_cfn_lint(kind: str, tmp_path: Path) -> None:
    """In a role: actions that exist, statements as they must be."""
    properties: dict[str, Any] = {"AssumeRolePolicyDocument": policy("trust-policy.json")}
    if kind == "permissions":
        document = policy("permissions-policy.json")
        properties["Policies"] = [{"PolicyName": "deploy", "PolicyDocument": document}]
    template = {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}}
    path = tmp_path / "role.json"
    path.write_text(json.dumps(template), "utf-8")
    finished = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--regions", "us-east-1", "--", str(path)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.node
def test_every_kind_of_resource_is_in_the_rights(
    packaged: "Package", packaged_prod: "Package"
) -> None:
    """A service that is added to the template needs its rights; what has no name stays out."""
    text = (FOLDER / "permissions-policy.json").read_text("utf-8")
    kinds = {
        resource["Type"]
        for package in (packaged, packaged_prod)
        for resource in package.resources.values()
    }
    services = {SERVICES[kind.split("::")[1]] for kind in kinds}
    assert {service for service in services if f'"{service}:' not in text} == set()
