"""What is packaged for each stage is what was reviewed, and cfn-lint finds nothing in it."""

import difflib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.infra.record_snapshots import SNAPSHOTS, VARIANTS, settled

if TYPE_CHECKING:
    from tests.infra.conftest import Package

pytestmark = pytest.mark.node

REFRESH = "python -m tests.infra.record_snapshots writes it anew: read its difference first"


@pytest.fixture
def by_variant(
    packaged: "Package", packaged_prod: "Package", packaged_options: "Package"
) -> "dict[str, Package]":
    """The packages that snapshots are of."""
    return {"dev": packaged, "prod": packaged_prod, "options": packaged_options}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_resources_are_those_that_were_reviewed(
    by_variant: "dict[str, Package]", name: str
) -> None:
    """Every property of every resource, for both stages and with all options."""
    kept = (SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8").splitlines()
    made = settled(by_variant[name].template).splitlines()
    differs = list(difflib.unified_diff(kept, made, "reviewed", "packaged", lineterm=""))
    assert differs == [], f"{name}.json: {REFRESH}"


def test_cfn_lint_finds_nothing(any_package: "Package") -> None:
    """As whoever runs it on `.serverless` sees it: infra/outputs.yml tells it of one habit.

    W3005, a DependsOn that a GetAtt implies already, is what the framework writes.
    """
    assert any_package.template["Metadata"]["cfn-lint"]["config"]["ignore_checks"] == ["W3005"]
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(cfn_lint), "--format", "parseable", str(any_package.template_path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (finished.stdout, finished.stderr, finished.returncode) == ("", "", 0)
