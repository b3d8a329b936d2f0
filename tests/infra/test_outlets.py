"""The project with outlets, packaged: what its functions may put where."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.project_with_outlets import copy_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.infra.conftest import Package

pytestmark = pytest.mark.node


def test_functions_that_call_hooks_may_put_into_these_two_outlets(
    tmp_path: Path, package: "Callable[[Path], Package]"
) -> None:
    """Nothing else, and the others nothing; the settings name what is made."""
    copy_project(tmp_path)
    packaged = package(tmp_path)
    (policy,) = packaged.of_type("AWS::IAM::ManagedPolicy").values()
    roles = {"ApiRole", "DisconnectRole", "FanoutRole", "MessageRole", "RefreshRole"}
    assert {role["Ref"] for role in policy["Roles"]} == roles
    granted = {
        statement["Action"]: statement["Resource"]
        for statement in policy["PolicyDocument"]["Statement"]
    }
    assert granted == {
        "events:PutEvents": {"Fn::GetAtt": ["EventBus", "Arn"]},
        "sqs:SendMessage": {"Fn::GetAtt": ["EventQueue", "Arn"]},
    }
    queue = packaged.resources["EventQueue"]["Properties"]
    (bus,) = packaged.of_type("AWS::Events::EventBus").values()
    variables = packaged.resources["MessageLambdaFunction"]["Properties"]["Environment"]
    assert variables["Variables"]["EVENT_BUS_NAME"] == bus["Name"]
    assert variables["Variables"]["EVENT_QUEUE_URL"]["Fn::Sub"].endswith(f"/{queue['QueueName']}")
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(cfn_lint), "--format", "parseable", str(packaged.template_path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in finished.stdout.splitlines() if ":W3005:" not in line] == []
