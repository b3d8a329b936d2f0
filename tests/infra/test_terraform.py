"""The Terraform module, applied to moto's server and destroyed again."""

import json
from pathlib import Path

import pytest

from tests.infra.intended import RECORDED, compare, model_of_plan, unintended
from tests.infra.terraform_runs import (
    STAGES,
    Run,
    Terraform,
    changes,
    command_line_configuration,
    run_once,
    shared_folder,
)
from tests.optional_tools import ROOT

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(900)]

NOT_KEPT_BY_MOTO: set[str] = set()
"""Attributes that moto forgets, so that a plan after `apply` would set them again."""


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Apply, plan and destroy once for the whole test run, whichever process does it."""
    return run_once(shared_folder(tmp_path_factory))


def test_the_sources_are_formatted(tmp_path: Path) -> None:
    """As `terraform fmt` would have them."""
    terraform = Terraform(ROOT / "infra/terraform", command_line_configuration(tmp_path))
    assert terraform("fmt", "-check", "-recursive", "-diff", ".") == ""


def test_a_plan_after_apply_changes_nothing(run: Run) -> None:
    """But what moto is known to forget."""
    assert set(changes(json.loads(run.applied.read_text(encoding="utf-8")))) == NOT_KEPT_BY_MOTO


def test_destroy_leaves_nothing(run: Run) -> None:
    """Neither in the state nor at moto."""
    assert run.state == []
    assert run.leftovers == []


@pytest.mark.parametrize("stage", STAGES)
def test_what_terraform_makes_is_what_was_recorded(run: Run, stage: str) -> None:
    """The record is what machines without Terraform compare with serverless.yml."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))["stages"][stage]
    assert compare(recorded, model_of_plan(run.applied, stage)) == []


def test_a_route_taken_out_of_the_module_is_named(run: Run) -> None:
    """By the comparison that test_both_systems.py makes, of what Terraform itself plans then."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))["stages"]["dev"]
    found = compare(recorded, model_of_plan(run.without_signal, "dev"))
    assert unintended(found) == ["route WEBSOCKET signal: only in the template"]
