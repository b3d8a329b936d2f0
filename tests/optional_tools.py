"""What only some tests need, and whether this machine has it.

A test says by its marker what it needs. Where that is missing it is skipped and one line says so;
with GATEPOST_REQUIRE_ALL (set by .ci/run) nothing runs until everything is there.
"""

import importlib.util
import os
import shutil
from functools import cache
from pathlib import Path

from msgspec import Struct

from infra.packaging.errors import UsageError
from infra.packaging.interpreter import find_interpreter
from infra.packaging.target import read_target

ROOT = Path(__file__).parent.parent
REQUIRE_ALL = "GATEPOST_REQUIRE_ALL"


class Tool(Struct, frozen=True):
    """A marker, whether what it stands for is here, and how one gets it."""

    marker: str
    present: bool
    needs: str
    required: bool = True  # by GATEPOST_REQUIRE_ALL


def chromium() -> str | None:
    """Find the browser: the variable CHROMIUM, else one of the usual names on the path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def dynoxide() -> Path | None:
    """Find the DynamoDB stand-in that is right under concurrency."""
    return next(iter(ROOT.glob("node_modules/@dynoxide/*/dynoxide")), None)


def terraform_plugins() -> Path | None:
    """Find a folder of Terraform plugins that has the AWS provider.

    The variable GATEPOST_TF_PLUGINS, Terraform's own plugin cache, else one of the usual places and
    of the folders in /opt.
    """
    named = [os.environ.get(name) for name in ("GATEPOST_TF_PLUGINS", "TF_PLUGIN_CACHE_DIR")]
    usual = (
        "~/.terraform.d/plugins",
        "~/.terraform.d/plugin-cache",
        "/usr/local/share/terraform/plugins",
        "/usr/share/terraform/plugins",
    )
    added = sorted(Path("/opt").glob("*"))  # what was installed beside the distribution
    folders = [Path(name).expanduser() for name in (*filter(None, named), *usual)]
    for folder in (*folders, *added):
        if any(folder.glob("*/hashicorp/aws/*")):
            return folder
    return None


@cache
def runtime_interpreter() -> Path | None:
    """Find the interpreter of the version that serverless.yml deploys for, as `make package` does.

    None as well without uv, which installs for that version.
    """
    if importlib.util.find_spec("uv") is None:
        return None
    target = read_target(ROOT / "serverless.yml", runtime=None, architecture=None)
    try:
        return find_interpreter(target.python, os.environ)
    except UsageError:
        return None


def missing_tools() -> list[Tool]:
    """Say what this machine lacks."""
    packages = all((ROOT / "node_modules" / name).is_dir() for name in ("osls", "ws", "wscat"))
    tools = (
        Tool(
            "node", bool(shutil.which("node") and packages), "Node.js and `npm ci --ignore-scripts`"
        ),
        Tool("dynoxide", dynoxide() is not None, "`npm ci --ignore-scripts` on Linux x86_64"),
        Tool(
            "runtime",
            runtime_interpreter() is not None,
            "uv, and Python of the deployed version on the PATH, of pyenv or in PACKAGE_PYTHON",
        ),
        Tool("chromium", chromium() is not None, "Chromium on the PATH, or its path in CHROMIUM"),
        Tool(
            "terraform",
            bool(shutil.which("terraform") and terraform_plugins()),
            "Terraform on the PATH, and a folder with its AWS provider (GATEPOST_TF_PLUGINS)",
            required=False,
        ),
        Tool("aws_cli", shutil.which("aws") is not None, "the AWS CLI on the PATH", required=False),
    )
    return [tool for tool in tools if not tool.present]
