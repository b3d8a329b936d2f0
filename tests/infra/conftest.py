"""The project as the framework packages it."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
OSLS = ROOT / "node_modules" / "osls" / "bin" / "serverless.js"
PACKAGED = ("serverless.yml", "infra", "functions", "gatepost", "web", "docs", "tests/infra")


@dataclass(frozen=True, slots=True)
class Package:
    """What `osls package` leaves behind."""

    template_path: Path
    template: dict[str, Any]
    files: frozenset[str]

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
    """Package the project in `folder`, without credentials and without the network."""
    (folder / "build").mkdir(exist_ok=True)
    for artifact in ("functions", "tokens"):
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
    out = folder / ".serverless"
    path = out / "cloudformation-template-update-stack.json"
    files: frozenset[str] = frozenset()
    return Package(path, json.loads(path.read_text(encoding="utf-8")), files)


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Package a copy of this project for the stage `dev`."""
    folder = tmp_path_factory.mktemp("package")
    for name in PACKAGED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        elif source.exists():
            shutil.copy(source, folder / name)
    return run_osls(folder, "--stage", "dev")


@pytest.fixture
def package() -> Callable[[Path], Package]:
    """Package whatever project lies in a folder."""
    return run_osls
