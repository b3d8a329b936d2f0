"""The worker of large broadcasts, as packaged: how it is invoked, by whom, and where jobs end."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions.core import limits
from functions.runtime.settings import read_fanout

if TYPE_CHECKING:
    from tests.infra.conftest import Package

pytestmark = pytest.mark.node

NAME = "gatepost-dev-fanout"


def worker(packaged: "Package") -> dict[str, Any]:
    """Return the function's properties."""
    properties: dict[str, Any] = packaged.resources["FanoutLambdaFunction"]["Properties"]
    return properties


def variables_of(function: dict[str, Any]) -> dict[str, Any]:
    """Return the environment variables of a function."""
    variables: dict[str, Any] = function["Environment"]["Variables"]
    return variables


def test_a_job_is_tried_once_within_a_minute_and_kept_when_it_fails(packaged: "Package") -> None:
    """Done again it would reach those again who got the message; old news is none."""
    (config,) = packaged.of_type("AWS::Lambda::EventInvokeConfig").values()
    assert config["FunctionName"] == {"Ref": "FanoutLambdaFunction"}
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    target = worker(packaged)["DeadLetterConfig"]["TargetArn"]
    assert target == {"Fn::GetAtt": ["FanoutDeadLetters", "Arn"]}
    assert packaged.resources["FanoutDeadLetters"]["Type"] == "AWS::SQS::Queue"


def test_a_worker_has_a_whole_cpu_and_time_for_what_is_after_its_budget(
    packaged: "Package",
) -> None:
    """1,769 MB are one virtual CPU (Lambda Developer Guide, "Configure Lambda function memory")."""
    assert worker(packaged)["MemorySize"] == 1769
    assert worker(packaged)["Timeout"] >= limits.FANOUT_BUDGET_S + limits.FANOUT_RESERVE_S


def test_concurrency_is_reserved_only_on_request(packaged: "Package") -> None:
    """Where an account has 10 in all, a deployment that reserves any fails."""
    assert worker(packaged)["ReservedConcurrentExecutions"] == {"Ref": "AWS::NoValue"}


def test_who_publishes_may_invoke_the_worker_and_no_other_function(packaged: "Package") -> None:
    """So may the worker itself, for its next hop."""
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
    allowed = {
        name: statement["Resource"]
        for name, role in packaged.of_type("AWS::IAM::Role").items()
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if "lambda:" in json.dumps(statement["Action"])
    }
    roles = ("ApiRole", "FanoutRole", "MessageRole")
    assert allowed == {key: {"Fn::Sub": arn + NAME} for key in roles}


def test_who_may_invoke_the_worker_knows_its_name_and_all_agree_on_the_rate(
    packaged: "Package",
) -> None:
    """The settings are those that the functions have by themselves."""
    told = {
        function["FunctionName"]: variables_of(function)
        for function in packaged.of_type("AWS::Lambda::Function").values()
        if "FANOUT_FUNCTION" in variables_of(function)
    }
    assert set(told) == {"gatepost-dev-api", "gatepost-dev-message", NAME}
    settings = {read_fanout(variables) for variables in told.values()}
    assert settings == {read_fanout({"FANOUT_FUNCTION": NAME})}
