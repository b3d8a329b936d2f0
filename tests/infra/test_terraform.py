"""The Terraform module, applied to moto's server and destroyed again."""

import json
from pathlib import Path

import pytest

from tests.infra.intended import RECORDED, compare, model_of_plan, unintended
from tests.infra.shared import shared_folder
from tests.infra.terraform_runs import (
    OPTIONS,
    STAGES,
    Run,
    Terraform,
    changes,
    command_line_configuration,
    run_once,
)
from tests.optional_tools import ROOT

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(1500)]

NOT_KEPT_BY_MOTO = {"aws_lambda_function.dead_letter_config", "aws_lambda_function.logging_config"}
"""Attributes that moto forgets, so that a plan after `apply` would set them again."""

WRONG = {
    'name = "Gate"': "name: 1 to 20 small letters",
    'stage = "a stage"': "stage: 1 to 10 small letters",
    "memory_mb = 64": "memory_mb: a whole number from 128",
    "log_retention_days = 31": "log_retention_days: CloudWatch has",
    'identity_source = ["token"]': "identity_source: entries such as",
    'jwt_secret = "short"': "jwt_secret: at least 32 bytes",
    'jwt_jwks_url = "http://keys"': "jwt_jwks_url: an https:// URL",
    "throttle = { rate_limit = 0, burst_limit = 1 }": "throttle: both limits above 0",
    "route_throttles = { signal = { rate_limit = 1, burst_limit = 0 } }": (
        "route_throttles: both limits"
    ),
    "http_throttle = { rate_limit = 1, burst_limit = 0 }": "http_throttle: both limits",
    "fanout_quota = 0": "fanout_quota: above 0",
    "fanout_share = 2": "fanout_share: above 0 and at most 1",
    "fanout_workers = 0.5": "fanout_workers: a whole number from 1",
    "fanout_reserved_concurrency = 0": "fanout_reserved_concurrency: 1 or more",
    'api_keys = ["the key itself"]': "api_keys: SHA-256",
    'kms_key_arn = "alias/own"': "kms_key_arn: the ARN of a key",
    'alarm_email = "nobody"': "alarm_email: an address such as",
    "alarm_limits = { errors = -1 }": "alarm_limits: each 0 or more",
    'domain = { name = "a.example", certificate_arn = "b" }': "domain: certificate_arn is the ARN",
}
"""What each variable refuses, and how."""

NOT_KEPT_OF_OPTIONS = NOT_KEPT_BY_MOTO | {
    "aws_apigatewayv2_domain_name.mutual_tls_authentication",  # moto tells of an empty one
    "aws_lambda_alias.function_version",  # it follows the function, which is set anew
    "aws_lambda_function.snap_start",
}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Apply, plan and destroy once for the whole test run, whichever process does it."""
    return run_once(shared_folder(tmp_path_factory, "terraform"))


def test_the_sources_are_formatted(tmp_path: Path) -> None:
    """As `terraform fmt` would have them."""
    terraform = Terraform(ROOT / "infra/terraform", command_line_configuration(tmp_path))
    assert terraform("fmt", "-check", "-recursive", "-diff", ".") == ""


@pytest.mark.parametrize("module", [*STAGES, OPTIONS])
def test_a_plan_after_apply_changes_nothing(run: Run, module: str) -> None:
    """But what moto is known to forget."""
    plan = json.loads(run.applied.read_text(encoding="utf-8"))
    not_kept = NOT_KEPT_OF_OPTIONS if module == OPTIONS else NOT_KEPT_BY_MOTO
    assert set(changes(plan, module)) == not_kept


def test_wrong_values_are_refused_by_name(tmp_path: Path) -> None:
    """Before anything is asked of AWS: each in a call of its own, all in one configuration."""
    refused = validate(tmp_path, [*WRONG, "memory_mb = 128"])
    assert [sentence for sentence in WRONG.values() if sentence not in refused] == []
    assert refused.count("Error: Invalid value for variable") == len(WRONG)


def validate(folder: Path, arguments: list[str]) -> str:
    """Say what Terraform has against calls of the module with one argument more each."""
    calls = (
        f'module "m{number}" {{\n  source = "{ROOT}/infra/terraform"\n'
        f'  package = "p"\n  tokens_package = "t"\n  {argument}\n}}\n'
        for number, argument in enumerate(arguments)
    )
    (folder / "main.tf").write_text("".join(calls), encoding="utf-8")
    terraform = Terraform(folder, command_line_configuration(folder))
    terraform("init", "-no-color")
    return " ".join(terraform("validate", "-no-color", check=False).split())


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
