"""The project as the framework packages it, and the archives that it deploys."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from infra.package import ARTIFACTS
from tests.infra.own_name import call_it_by_its_test_name
from tests.infra.shared import locked, shared_folder
from tests.optional_tools import REQUIRE_ALL

ROOT = Path(__file__).resolve().parents[2]
OSLS = ROOT / "node_modules" / "osls" / "bin" / "serverless.js"
PACKAGED = ("serverless.yml", "infra", "functions", "gatepost", "web", "docs", "tests/infra")


@dataclass(frozen=True, slots=True)
class Package:
    """What `osls package` leaves behind."""

    template_path: Path
    template: dict[str, Any]

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources of the CloudFormation template by logical id."""
        return dict(self.template["Resources"])

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }


def run_osls(folder: Path, *arguments: str) -> Package:
    """Package the project in `folder`, without credentials and without the network.

    What is in its archives is the matter of tests/infra/test_archives.py.
    """
    call_it_by_its_test_name(folder / "serverless.yml")
    (folder / "build").mkdir(exist_ok=True)
    for artifact in ARTIFACTS:
        with ZipFile(folder / "build" / f"{artifact}.zip", "w") as archive:
            archive.writestr(f"{artifact}.txt", artifact)
    finished = subprocess.run(
        ["node", str(OSLS), "package", *arguments],  # noqa: S607 - node is where PATH says
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return read_package(folder)


def read_package(folder: Path) -> Package:
    """Read what was packaged of the project in `folder`."""
    path = folder / ".serverless/cloudformation-template-update-stack.json"
    return Package(path, json.loads(path.read_text(encoding="utf-8")))


OPTIONS = {
    "encryption": "own",
    "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/8d4e1b7c-0000-4000-8000-000000000001",
    "snapStart": "true",
    "accountLogRole": "none",
    "domain": "only",
    "domainName": "ws.example.com",
    "domainCertificateArn": (
        "arn:aws:acm:us-east-1:123456789012:certificate/8d4e1b7c-0000-4000-8000-000000000002"
    ),
    "domainMappingKey": "chat",
    "domainRecords": "zone",
    "domainZoneId": "Z0123456789EXAMPLE",
    "detailedMetrics": "true",
    "fanoutReservedConcurrency": "5",
    "tracing": "true",
    "alarmNotice": "email",
    "alarmEmail": "oncall@example.com",
}
"""Every option of serverless.yml's params, taken."""


def copy_of_project(folder: Path) -> Path:
    """Copy what of this project is packaged or run into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PACKAGED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        elif source.exists():
            shutil.copy(source, folder / name)
    return folder


def run_with_params(folder: Path, stage: str, params: Mapping[str, str]) -> Package:
    """Package a copy of this project for a stage, with params as on the command line."""
    given = [f"--param={name}={value}" for name, value in params.items()]
    return run_osls(copy_of_project(folder), "--stage", stage, *given)


PackageOnce = Callable[[str, str, Mapping[str, str]], Package]


@pytest.fixture(scope="session")
def package_once(tmp_path_factory: pytest.TempPathFactory) -> PackageOnce:
    """Package a copy of this project under a name, for a stage and with params.

    It is done once in a test run, for tests that leave it whole. The folder is called as the stack
    is, which is where the emulator finds the stack's name.
    """

    def package(name: str, stage: str, params: Mapping[str, str]) -> Package:
        shared = shared_folder(tmp_path_factory, f"packages/{name}")
        folder = shared / f"gatepost-{stage}"
        with locked(shared):
            if not folder.exists():
                making = tmp_path_factory.mktemp(name)
                run_with_params(making, stage, params)
                making.rename(folder)
        return read_package(folder)

    return package


@pytest.fixture(scope="session")
def packaged(package_once: PackageOnce) -> Package:
    """Package a copy of this project for the stage `dev`."""
    return package_once("dev", "dev", {})


@pytest.fixture(scope="session")
def packaged_prod(package_once: PackageOnce) -> Package:
    """Package a copy of this project for the stage `prod`."""
    return package_once("prod", "prod", {})


@pytest.fixture(scope="session")
def packaged_options(package_once: PackageOnce) -> Package:
    """Package a copy of this project for the stage `prod` with every option taken."""
    return package_once("options", "prod", OPTIONS)


@pytest.fixture(params=["dev", "prod", "options"])
def any_package(request: pytest.FixtureRequest) -> Package:
    """Give each of the three in turn."""
    fixture = {"dev": "packaged", "prod": "packaged_prod", "options": "packaged_options"}
    package = request.getfixturevalue(fixture[request.param])
    assert isinstance(package, Package)
    return package


@pytest.fixture
def package() -> Callable[[Path], Package]:
    """Package whatever project lies in a folder."""
    return run_osls


NO_NETWORK = ("error sending request", "dns error", "Failed to fetch", "Network connectivity")


def build_archives(out: Path, *arguments: str) -> Path:
    """Run the command that `make package` runs; without the network the test is skipped.

    With GATEPOST_REQUIRE_ALL it fails then. Workers of one test run share what is built.
    """
    with locked(out):
        if not all((out / f"{artifact}.zip").is_file() for artifact in ARTIFACTS):
            command = [sys.executable, "-m", "infra.package", "--out", str(out), *arguments]
            ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            if not os.environ.get(REQUIRE_ALL) and any(sign in ran.stderr for sign in NO_NETWORK):
                pytest.skip("needs a package index that can be reached")
            assert ran.returncode == 0, ran.stderr
    return out


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build the archives for an architecture, once in a test run; give their folder."""
    return lambda architecture: build_archives(
        shared_folder(tmp_path_factory, f"archives/{architecture}"), "--architecture", architecture
    )
