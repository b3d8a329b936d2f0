"""What is watched: every alarm is explained, and what the functions count is what is looked at."""

import ast
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.conftest import ROOT
from tests.infra.stack_resources import Stack

if TYPE_CHECKING:
    from tests.infra.conftest import Package

pytestmark = pytest.mark.node

PAGE = (ROOT / "docs/how-to/operate.md").read_text(encoding="utf-8")
NAMESPACE = "Gatepost"
FUNCTIONS = ("api", "authorizer", "connect", "disconnect", "fanout", "message", "refresh")


def of_kind(package: "Package", kind: str) -> dict[str, dict[str, Any]]:
    """The properties of a package's resources of one kind, by logical id."""
    stack = Stack(package.template)
    return {
        name: stack.resolve(each["Properties"])
        for name, each in package.resources.items()
        if each["Type"] == kind
    }


def alarms(package: "Package") -> dict[str, dict[str, Any]]:
    """The alarms by name, without service and stage."""
    found = of_kind(package, "AWS::CloudWatch::Alarm").values()
    return {each["AlarmName"].split("-", maxsplit=2)[2]: each for each in found}


def kind_of(alarm: str) -> str:
    """The heading of an alarm: one of a function's stands for those of all."""
    function, _, what = alarm.partition("-")
    return f"FUNCTION-{what}" if function in FUNCTIONS and what in WHATS else alarm


WHATS = ("errors", "throttles", "duration")


def counted() -> set[str]:
    """The metrics that the functions write."""
    return {
        name
        for path in (ROOT / "functions").rglob("*.py")
        for name in metrics_in(ast.parse(path.read_text(encoding="utf-8")))
    }


def metrics_in(tree: ast.Module) -> Iterator[str]:
    """The keys of what is called `metrics`: an entry of a dict, or a variable."""
    for node in ast.walk(tree):
        found: list[ast.expr] = []
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found = [
                value
                for key, value in pairs
                if isinstance(key, ast.Constant) and key.value == "metrics"
            ]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "metrics":
            found = [node.value]
        for value in found:
            if isinstance(value, ast.Dict):
                yield from (str(ast.literal_eval(key)) for key in value.keys if key)


def on_dashboard(package: "Package") -> set[str]:
    """The metrics of our own that the dashboard shows."""
    (dashboard,) = of_kind(package, "AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    rows = [row for widget in widgets for row in widget["properties"]["metrics"]]
    return {row[1] for row in rows if row[0] == NAMESPACE}


def test_every_alarm_has_its_section_and_no_section_lacks_its_alarm(
    packaged_prod: "Package",
) -> None:
    """Who is woken at night finds what to do."""
    (section,) = re.findall(r"^## The alarms\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^### `(.+)`$", section, re.MULTILINE)
    assert sorted(headings) == sorted({kind_of(name) for name in alarms(packaged_prod)})


def test_alarms_and_dashboard_look_at_what_the_functions_count(packaged_prod: "Package") -> None:
    """A metric by another name never has data, and no alarm."""
    of_own = {
        each["MetricName"]
        for each in alarms(packaged_prod).values()
        if each["Namespace"] == NAMESPACE
    }
    assert {"ActionsFailed", "HooksFailed", "BroadcastFailed", "BroadcastGone"} == of_own
    assert of_own <= counted()
    assert on_dashboard(packaged_prod) == counted()


def test_what_is_counted_is_counted_for_the_system_that_is_watched(
    packaged_prod: "Package",
) -> None:
    """By every function, in JSON, which Lambda would not embed metrics in otherwise."""
    dimensions = {
        dimension["Value"]
        for each in alarms(packaged_prod).values()
        if each["Namespace"] == NAMESPACE
        for dimension in each["Dimensions"]
    }
    functions = of_kind(packaged_prod, "AWS::Lambda::Function").values()
    assert len(functions) == len(FUNCTIONS)
    for function in functions:
        assert {function["Environment"]["Variables"]["METRICS_APPLICATION"]} == dimensions
        assert function["LoggingConfig"]["LogFormat"] == "JSON"


def test_every_function_has_an_alarm_of_its_errors(packaged_prod: "Package") -> None:
    """One that is added is watched too."""
    watched = {
        dimension["Value"]
        for each in alarms(packaged_prod).values()
        if each["MetricName"] == "Errors"
        for dimension in each["Dimensions"]
    }
    functions = of_kind(packaged_prod, "AWS::Lambda::Function").values()
    assert watched == {function["FunctionName"] for function in functions}


def test_every_alarm_tells_the_topic_and_takes_no_data_for_good(packaged_prod: "Package") -> None:
    """It tells when it begins and when it ends; an idle system alarms nobody."""
    (topic,) = of_kind(packaged_prod, "AWS::SNS::Topic").values()
    for name, each in alarms(packaged_prod).items():
        assert [arn.rsplit(":", 1)[1] for arn in each["AlarmActions"]] == [topic["TopicName"]]
        assert each["OKActions"] == each["AlarmActions"]
        assert each["TreatMissingData"] == "notBreaching", name


def test_durations_are_looked_at_before_the_time_limit(packaged_prod: "Package") -> None:
    """Else an invocation that ran out of time would be the first to be heard of."""
    limits_s = {
        each["FunctionName"]: each["Timeout"]
        for each in of_kind(packaged_prod, "AWS::Lambda::Function").values()
    }
    watched = [each for each in alarms(packaged_prod).values() if each["MetricName"] == "Duration"]
    assert watched
    for each in watched:
        (dimension,) = each["Dimensions"]
        assert each["Threshold"] < limits_s[dimension["Value"]] * 1000
        assert each["ExtendedStatistic"] == "p99"


def test_a_stage_without_alarms_has_neither_them_nor_their_topic(packaged: "Package") -> None:
    """`dev` is looked at on its dashboard alone."""
    assert alarms(packaged) == {}
    assert of_kind(packaged, "AWS::SNS::Topic") == {}
    assert on_dashboard(packaged) == counted()


def test_tracing_and_mail_are_options(
    packaged_prod: "Package", packaged_options: "Package"
) -> None:
    """Off by default; with tracing every function's role may write traces."""
    for package, mode in ((packaged_prod, None), (packaged_options, "Active")):
        functions = of_kind(package, "AWS::Lambda::Function").values()
        assert {each.get("TracingConfig", {}).get("Mode") for each in functions} == {mode}
    assert "TracingPolicy" not in packaged_prod.resources
    policy = packaged_options.resources["TracingPolicy"]["Properties"]
    assert len(policy["Roles"]) == len(FUNCTIONS)
    assert of_kind(packaged_prod, "AWS::SNS::Subscription") == {}
    (subscription,) = of_kind(packaged_options, "AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "oncall@example.com")
