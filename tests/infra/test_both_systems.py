"""serverless.yml and infra/terraform/ provision the same system, resource by resource."""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.infra.conftest import copy_of_project, run_osls
from tests.infra.intended import (
    INTENDED,
    RECORDED,
    compare,
    fingerprint,
    model_of_template,
    unintended,
)
from tests.infra.module_tables import MARKED, README, tables
from tests.infra.plan_resources import say
from tests.infra.system_model import Resource, UnnamedError, model_of

if TYPE_CHECKING:
    from tests.infra.conftest import Package, PackageOnce
    from tests.infra.system_model import Model

STAGES = ("dev", "prod")
AS_IN_STAGES = {"accountLogRole": "none"}
"""One stage makes the account's role for logs; tests/infra/stages/ has the other told so too."""

REFRESH = "python -m tests.infra.record_terraform, on a machine with Terraform, writes it anew"

ALARM = Resource(
    "AWS::CloudWatch::Alarm",
    {"AlarmName": "gatepost-dev-dead-letters", "MetricName": "ApproximateNumberOfMessagesVisible"},
    {"arn:aws:cloudwatch:us-east-1:123456789012:alarm:gatepost-dev-dead-letters": "arn"},
)


@pytest.fixture(scope="session")
def templates(packaged: "Package", package_once: "PackageOnce") -> dict[str, "Model"]:
    """What the framework makes of serverless.yml, by stage."""
    prod = package_once("as-in-stages", "prod", AS_IN_STAGES)
    packages = {"dev": packaged, "prod": prod}
    return {stage: model_of_template(packages[stage].template, stage) for stage in STAGES}


@pytest.fixture(scope="session")
def recorded() -> dict[str, "Model"]:
    """What Terraform makes of the module, by stage."""
    read = json.loads(RECORDED.read_text(encoding="utf-8"))
    return dict(read["stages"])


def test_what_terraform_makes_was_recorded_of_these_sources() -> None:
    """Here without Terraform; with it, test_terraform.py compares what it makes."""
    read = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert read["sources"] == fingerprint(), f"{RECORDED.name} is older than the module: {REFRESH}"


@pytest.mark.node
@pytest.mark.parametrize("stage", STAGES)
def test_both_systems_are_the_same(
    templates: dict[str, "Model"], recorded: dict[str, "Model"], stage: str
) -> None:
    """Functions, environment, grants, routes, stages, table, logs, outputs: all of it."""
    assert unintended(compare(templates[stage], recorded[stage])) == []


@pytest.mark.node
def test_every_intended_difference_is_still_one(
    templates: dict[str, "Model"], recorded: dict[str, "Model"]
) -> None:
    """An exception that nothing needs any more hides the next mistake."""
    found = [each for stage in STAGES for each in compare(templates[stage], recorded[stage])]
    unneeded = [name for name in INTENDED if not any(fnmatchcase(each, name) for each in found)]
    assert unneeded == []


@pytest.mark.node
def test_a_route_that_only_terraform_has_is_named(
    tmp_path: Path, recorded: dict[str, "Model"]
) -> None:
    """The route `signal` is taken out of a copy of serverless.yml."""
    folder = copy_of_project(tmp_path)
    template = folder / "serverless.yml"
    lines = template.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.lstrip().startswith("- websocket: signal")]
    assert len(kept) == len(lines) - 1
    template.write_text("".join(kept), encoding="utf-8")
    fewer = model_of_template(run_osls(folder, "--stage", "dev").template, "dev")
    found = compare(fewer, recorded["dev"])
    assert unintended(found) == ["route WEBSOCKET signal: only in Terraform"]


@pytest.mark.node
def test_a_route_that_only_the_template_has_is_named(
    templates: dict[str, "Model"], recorded: dict[str, "Model"]
) -> None:
    """Taken out of what Terraform made; test_terraform.py takes it out of the module itself."""
    without = {name: each for name, each in recorded["dev"].items() if not name.endswith(" signal")}
    found = compare(templates["dev"], without)
    assert unintended(found) == ["route WEBSOCKET signal: only in the template"]


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("function message", "Environment.Variables.TABLE_NAME", "another"),
        ("function message", "MemorySize", 128),
        ("role of message", "Grants.Allow dynamodb:PutItem", ["*"]),
        ("table", "TimeToLiveSpecification.AttributeName", "other"),
        ("route WEBSOCKET $default", "RouteResponseSelectionExpression", None),
        ("log group /aws/lambda/message", "RetentionInDays", None),
    ],
)
def test_a_setting_that_differs_is_named(
    recorded: dict[str, "Model"], name: str, key: str, value: object
) -> None:
    """Whatever its kind: variables, grants, limits, the table, replies, logs."""
    dev = recorded["dev"]
    assert key in dev[name]
    (found,) = unintended(compare(dev, {**dev, name: {**dev[name], key: value}}))
    assert found.startswith(f"{name}, {key}: the template has ")


def test_an_alarm_that_only_one_side_has_is_named(recorded: dict[str, "Model"]) -> None:
    """Either way; so would a resource of any kind that the comparison knows."""
    with_alarm = recorded["dev"] | model_of([ALARM], prefix="gatepost-dev")
    assert compare(with_alarm, recorded["dev"]) == ["alarm dead-letters: only in the template"]
    assert compare(recorded["dev"], with_alarm) == ["alarm dead-letters: only in Terraform"]


@pytest.mark.node
def test_an_alarm_that_terraform_lacks_is_named(
    templates: dict[str, "Model"], recorded: dict[str, "Model"]
) -> None:
    """One of those that there are, in the stage that has them."""
    without = {name: each for name, each in recorded["prod"].items() if name != "alarm connects"}
    found = compare(templates["prod"], without)
    assert unintended(found) == ["alarm connects: only in the template"]


@pytest.mark.parametrize(
    ("terraform", "template"),
    [
        (
            {
                "metric_name": "ConnectCount",
                "dimensions": {"ApiId": "api", "Stage": "dev"},
                "alarm_actions": ["b", "a"],
                "metric_query": None,
            },
            {
                "MetricName": "ConnectCount",
                "Dimensions": [
                    {"Name": "Stage", "Value": "dev"},
                    {"Name": "ApiId", "Value": "api"},
                ],
                "AlarmActions": ["a", "b"],
            },
        ),
        (
            {
                "metric_query": [
                    {"id": "rate", "expression": "a / b", "return_data": True, "metric": []},
                    {
                        "id": "a",
                        "expression": "",
                        "return_data": False,
                        "metric": [
                            {
                                "namespace": "Own",
                                "metric_name": "failed",
                                "dimensions": {"Stage": "dev"},
                                "period": 60,
                                "stat": "Sum",
                            }
                        ],
                    },
                ]
            },
            {
                "Metrics": [
                    {"Id": "rate", "Expression": "a / b", "ReturnData": True},
                    {
                        "Id": "a",
                        "MetricStat": {
                            "Metric": {
                                "Namespace": "Own",
                                "MetricName": "failed",
                                "Dimensions": [{"Name": "Stage", "Value": "dev"}],
                            },
                            "Period": 60,
                            "Stat": "Sum",
                        },
                    },
                ]
            },
        ),
    ],
)
def test_an_alarm_is_the_same_in_both_tongues(
    terraform: dict[str, object], template: dict[str, object]
) -> None:
    """Dimensions are a list on one side, an object on the other; actions have no order."""
    ids = {"arn": "arn:1", "alarm_name": "one"}
    said = say("aws_cloudwatch_metric_alarm", {"alarm_name": "one", **terraform}, ids)
    properties = {"AlarmName": "one", **template}
    of_template = Resource("AWS::CloudWatch::Alarm", properties, {"one": "id"})
    models = (model_of([each], prefix="gatepost-dev") for each in (of_template, said))
    assert compare(*models) == []


def test_a_resource_of_a_kind_that_nobody_has_named_is_refused() -> None:
    """Else it would go uncompared."""
    with pytest.raises(UnnamedError, match="AWS::Kinesis::Stream"):
        model_of([Resource("AWS::Kinesis::Stream", {}, {})], prefix="gatepost-dev")


def test_the_modules_page_lists_its_inputs_and_outputs() -> None:
    """As the sources have them: `python -m tests.infra.module_tables` writes it anew."""
    (written,) = MARKED.findall(README.read_text(encoding="utf-8"))
    assert written == tables()
