"""Terraform against moto's server: one apply, plan and destroy for a whole test run.

The provider is large and slow to start, so everything that tests look at is made once, by the first
process that asks, and written down; the other processes of the run wait for it. Nothing but the
loopback interface is used: the provider comes from a folder, and each of its endpoints is moto's.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from msgspec import Struct, convert, to_builtins

from tests.infra.leftovers import client_of, leftovers
from tests.infra.moto_for_terraform import moto_for_terraform
from tests.infra.shared import locked
from tests.optional_tools import ROOT, terraform_plugins

STEP_TIMEOUT_S = 420
STAGES = ("dev", "prod")
OPTIONS = "options"  # a module that has every option at once
SERVICES = (
    "acm",
    "apigateway",
    "apigatewayv2",
    "cloudwatch",
    "dynamodb",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "route53",
    "s3",
    "sns",
    "sqs",
    "sts",
)
PROVIDER = """
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "testing"
  secret_key                  = "testing"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  s3_use_path_style           = true

  endpoints {
%s
  }
}
"""
OVERRIDE = "provider_override.tf"


class Run(Struct, frozen=True):
    """What the run left behind: files of plans as JSON, and what was still there at the end."""

    applied: Path  # the plan after `apply`, without changes if nothing drifts
    without_signal: Path  # the plan of a module whose route `signal` was removed
    example: Path  # the plan of the example, beside its sources
    leftovers: list[str]
    state: list[str]  # addresses, after `destroy`


class Terraform:
    """Terraform in one folder, with a provider from a folder and no network."""

    def __init__(self, folder: Path, configuration: Path) -> None:
        self.folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(configuration.parent),
            "TF_CLI_CONFIG_FILE": str(configuration),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """Run a command and return what it says; of a plan's JSON that is all of it."""
        finished = subprocess.run(
            ["terraform", *arguments],  # noqa: S607 - where PATH says
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=STEP_TIMEOUT_S,
            check=False,
        )
        said = finished.stdout + finished.stderr
        assert not check or finished.returncode == 0, f"terraform {' '.join(arguments)}: {said}"
        return finished.stdout if check else said

    def plan(self, *arguments: str) -> Path:
        """Plan, and return the file that has the plan as JSON."""
        self("plan", "-no-color", "-out", "tfplan", *arguments)
        written = self.folder / "plan.json"
        written.write_text(self("show", "-json", "tfplan"), encoding="utf-8")
        return written


def command_line_configuration(folder: Path) -> Path:
    """Write the file that says where providers come from, and from where alone."""
    plugins = terraform_plugins()
    assert plugins, "tests that need Terraform are marked so"
    written = folder / "terraform.rc"
    written.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{plugins}"\n  }}\n}}\n',
        encoding="utf-8",
    )
    return written


def workspace(folder: Path) -> None:
    """Copy the module, its example and the functions; put stand-ins where the zips are."""
    shutil.copytree(
        ROOT / "infra/terraform",
        folder / "infra/terraform",
        ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"),
    )
    shutil.copy(ROOT / "infra/dashboard.tftpl", folder / "infra")
    shutil.copytree(ROOT / "functions", folder / "functions")
    (folder / "build").mkdir()
    for name in ("functions", "tokens"):
        with ZipFile(folder / f"build/{name}.zip", "w") as archive:
            archive.writestr("stand-in.txt", name)


def provider(endpoint: str) -> str:
    """Write a provider whose every endpoint is moto's."""
    return PROVIDER % "\n".join(f'    {service} = "{endpoint}"' for service in SERVICES)


def run_terraform(folder: Path, endpoint: str) -> Run:
    """Apply both stages, plan again, destroy them; plan the example."""
    workspace(folder)
    configuration = command_line_configuration(folder)
    stages = folder / "stages"
    shutil.copytree(ROOT / "tests/infra/stages", stages)
    for root in (stages, folder / "infra/terraform/example"):
        (root / OVERRIDE).write_text(provider(endpoint), encoding="utf-8")
    terraform = Terraform(stages, configuration)
    terraform("init", "-no-color")
    try:
        terraform("apply", "-no-color", "-auto-approve")
        applied = terraform.plan().rename(folder / "applied.json")
        remove_signal(folder / "infra/terraform/websocket.tf")
        without = terraform.plan("-refresh=false").rename(folder / "without-signal.json")
        shutil.copy(ROOT / "infra/terraform/websocket.tf", folder / "infra/terraform")
    finally:
        unprotect_tables(endpoint)
        terraform("destroy", "-no-color", "-auto-approve", check=False)
    state = terraform("state", "list").split()
    example = Terraform(folder / "infra/terraform/example", configuration)
    example("init", "-no-color")
    return Run(applied, without, example.plan(), leftovers(endpoint), state)


def remove_signal(source: Path) -> None:
    """Take the route `signal` out of a copy of the module."""
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.lstrip().startswith("signal ")]
    assert len(kept) == len(lines) - 1
    source.write_text("".join(kept), encoding="utf-8")


def unprotect_tables(endpoint: str) -> None:
    """Take the protection of a stage `prod` away, as who removes it has to."""
    client = client_of("dynamodb", endpoint)
    for name in client.list_tables()["TableNames"]:
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
    client.close()


def run_once(shared: Path) -> Run:
    """Return the run of this test run, made by whichever of its processes comes first."""
    written = shared / "run.json"
    with locked(shared):
        if not written.exists():
            with moto_for_terraform() as endpoint:
                run = run_terraform(shared / "project", endpoint)
            written.write_text(json.dumps(to_builtins(run, enc_hook=str)), encoding="utf-8")
    return convert(
        json.loads(written.read_text(encoding="utf-8")), Run, dec_hook=lambda kind, text: kind(text)
    )


def changes(plan: dict[str, Any], module: str) -> list[str]:
    """List the attributes that a plan would change in a module, `type.attribute`.

    Attributes that the provider can't know before it has changed others are named only where they
    are all that changes.
    """
    found = set()
    for each in plan["resource_changes"]:
        change = each["change"]
        if each.get("module_address") != f"module.{module}" or change["actions"] in UNCHANGED:
            continue
        before, after = change["before"] or {}, change["after"] or {}
        unknown = {key for key, value in change["after_unknown"].items() if holds_true(value)}
        known = {key for key in after.keys() - unknown if before.get(key) != after[key]}
        found |= {f"{each['type']}.{key}" for key in known or unknown or {"itself"}}
    return sorted(found)


UNCHANGED = (["no-op"], ["read"])


def holds_true(value: object) -> bool:
    """Whether there is a `true` anywhere in a value."""
    if isinstance(value, dict):
        return any(map(holds_true, value.values()))
    return any(map(holds_true, value)) if isinstance(value, list) else value is True
