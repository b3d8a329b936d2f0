"""serverless.yml and infra/terraform/ provision the same system, resource by resource."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.infra.conftest import PACKAGED, ROOT, run_osls
from tests.infra.intended import (
    INTENDED,
    RECORDED,
    compare,
    fingerprint,
    model_of_template,
    unintended,
)
from tests.infra.system_model import Resource, Unnamed, model_of

if TYPE_CHECKING:
    from tests.infra.system_model import Model

STAGES = ("dev", "prod")
REFRESH = "python -m tests.infra.record_terraform, on a machine with Terraform, writes it anew"
Packaging = Callable[[str], "Model"]

ALARM = Resource(
    "AWS::CloudWatch::Alarm",
    {"AlarmName": "gatepost-dev-dead-letters", "MetricName": "ApproximateNumberOfMessagesVisible"},
    {"arn:aws:cloudwatch:us-east-1:123456789012:alarm:gatepost-dev-dead-letters": "arn"},
)


def packaged_model(folder: Path, stage: str) -> "Model":
    """Package the project in a folder for a stage; return its model."""
    return model_of_template(run_osls(folder, "--stage", stage).template, stage)


def copy_of_project(folder: Path) -> Path:
    """Copy what the framework packages; but what it makes."""
    for name in PACKAGED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        elif source.exists():
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this project."""
    return copy_of_project(tmp_path_factory.mktemp("both"))


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
    project: Path, recorded: dict[str, "Model"], stage: str
) -> None:
    """Functions, environment, grants, routes, stages, table, logs, outputs: all of it."""
    found = compare(packaged_model(project, stage), recorded[stage])
    assert unintended(found) == []


@pytest.mark.node
def test_every_intended_difference_is_still_one(
    project: Path, recorded: dict[str, "Model"]
) -> None:
    """An exception that nothing needs any more hides the next mistake."""
    found = [
        each for stage in STAGES for each in compare(packaged_model(project, stage), recorded[stage])
    ]
    needed = {
        name for name in INTENDED if [each for each in found if not unintended_without(name, each)]
    }
    assert set(INTENDED) - needed == set()


def unintended_without(name: str, difference: str) -> bool:
    """Whether a difference is another than the one that a name means."""
    from fnmatch import fnmatchcase  # noqa: PLC0415 - for this one question

    return not fnmatchcase(difference, name)


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
    found = compare(packaged_model(folder, "dev"), recorded["dev"])
    assert unintended(found) == ["route WEBSOCKET signal: only in Terraform"]


@pytest.mark.node
def test_a_route_that_only_the_template_has_is_named(
    project: Path, recorded: dict[str, "Model"]
) -> None:
    """Taken out of what Terraform made; test_terraform.py takes it out of the module itself."""
    without = {name: each for name, each in recorded["dev"].items() if not name.endswith(" signal")}
    found = compare(packaged_model(project, "dev"), without)
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


def test_a_resource_of_a_kind_that_nobody_has_named_is_refused() -> None:
    """Else it would go uncompared."""
    with pytest.raises(Unnamed, match="AWS::Kinesis::Stream"):
        model_of([Resource("AWS::Kinesis::Stream", {}, {})], prefix="gatepost-dev")
