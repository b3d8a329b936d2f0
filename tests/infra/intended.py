"""What the two systems differ in on purpose, each with its reason, and how the models are made.

A difference is named as `system_model.difference` names it; `*` stands for anything.
"""

import hashlib
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.infra.plan_resources import plan_resources
from tests.infra.stack_resources import stack_resources
from tests.infra.system_model import Model, difference, model_of
from tests.optional_tools import ROOT

SIDES = ("the template", "Terraform")
RECORDED = Path(__file__).with_name("recorded") / "terraform.json"

INTENDED = {
    'event invoke config *, Qualifier: the template has "$LATEST", *': "as if not said",
    "bucket*": "the framework deploys by way of a bucket, Terraform sends the zips",
    "output ServerlessDeploymentBucketName: *": "the framework's bucket",
    "deployment *": "Terraform's stage deploys by itself (auto_deploy), the framework's names one",
    "stage WEBSOCKET, AutoDeploy: *": "the same",
    "stage WEBSOCKET, DeploymentId: *": "the same",
    "output ServiceEndpointWebsocket: *": "the framework's; SocketUrl knows the domain",
    "output HttpApiId: *": "an id that no client needs; the URL is compared",
}


def unintended(found: list[str]) -> list[str]:
    """Return the differences that nobody intends."""
    return [each for each in found if not any(fnmatchcase(each, name) for name in INTENDED)]


def model_of_template(template: dict[str, Any], stage: str) -> Model:
    """Return the model of what `osls package` made for a stage."""
    return model_of(stack_resources(template), prefix=f"gatepost-{stage}")


def model_of_plan(plan: Path, stage: str) -> Model:
    """Return the model of a stage in a plan that has been applied."""
    read = json.loads(plan.read_text(encoding="utf-8"))
    return model_of(plan_resources(read, stage), prefix=f"gatepost-{stage}")


def compare(template: Model, terraform: Model) -> list[str]:
    """List what the two systems differ in."""
    return difference(template, terraform, SIDES)


def fingerprint() -> str:
    """Return a hash of what the recorded model was made of: the module, and how it is called."""
    sources = [
        *(ROOT / "infra/terraform").glob("*.tf"),
        ROOT / "infra/dashboard.tftpl",
        ROOT / "tests/infra/stages/main.tf",
    ]
    texts = (f"{path.name}\n{path.read_text(encoding='utf-8')}" for path in sorted(sources))
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
