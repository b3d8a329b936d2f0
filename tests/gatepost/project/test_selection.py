"""Which files become a project's: by rule, seen on small templates and on the whole."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from gatepost import __version__
from gatepost.project.choices import Choices
from gatepost.project.selection import selected, whole_template

if TYPE_CHECKING:
    from tests.gatepost.project.conftest import MakeTemplate

ROOT = Path(__file__).parents[3]
CHAT = Choices("team-chat", "eu-central-1")
NEITHER = Choices("team-chat", "eu-central-1", demo="none")
BOTH = Choices("team-chat", "eu-central-1", terraform=True)


def test_folders_go_whole_and_pages_that_they_name(template: "MakeTemplate") -> None:
    """What is named by a page alone stays behind; nobody's junk goes along."""
    root = template(
        {
            "README.md": "# Ours\n",
            "PKG-INFO": "docs/reference/cli.md\n",
            "gatepost/cli.py": "",
            "tests/gatepost/test_cli.py": "",
            "functions/__pycache__/connect.cpython-311.pyc": "compiled",
            "infra/terraform/.terraform/provider": "binary",
        }
    )
    assert set(selected(root, CHAT)) == {
        *("LICENSE", "docs/how-to/a.md", "docs/reference/protocol.md"),
        *("functions/connect.py", "serverless.yml"),
    }


def test_what_git_does_not_track_stays_in_a_checkout(template: "MakeTemplate") -> None:
    """Notes and secrets of who builds the wheel are in no wheel."""
    root = template({"functions/secret.env": "", "notes.txt": ""})
    for command in (["init", "-q"], ["add", "serverless.yml", "functions/connect.py"]):
        subprocess.run(["git", *command], cwd=root, check=True)  # noqa: S607 - git is where PATH says
    assert set(selected(root, CHAT)) == {"serverless.yml", "functions/connect.py"}


def test_terraform_and_demo_are_there_for_who_chose_them(template: "MakeTemplate") -> None:
    """Tests of the module go with it."""
    optional = {
        "web/demo/chat.html": "",
        "infra/terraform/main.tf": "# module\n",
        "tests/infra/test_terraform.py": '"""Apply."""\n',
        "tests/infra/test_both.py": 'MODULE = "infra/terraform"\n',
    }
    root = template(optional | {"web/demo/chat.html": "page\n"})
    assert selected(root, NEITHER).keys() & optional.keys() == set()
    assert selected(root, CHAT).keys() & optional.keys() == {"web/demo/chat.html"}
    assert selected(root, BOTH).keys() & optional.keys() == set(optional)
    assert set(whole_template(root)) == set(selected(root, BOTH))


@pytest.mark.parametrize("choices", [CHAT, NEITHER, BOTH], ids=lambda each: each.flags)
def test_this_template_makes_a_whole_project(choices: Choices) -> None:
    """All that a project needs, none of what makes gatepost."""
    files = selected(ROOT, choices)
    for needed in (
        *("serverless.yml", "pyproject.toml", "Makefile", "package.json", "local.env"),
        *(".gitignore", "functions/message.py", "infra/table.yml", "requirements/dev.txt"),
        *("tests/conftest.py", "tests/fakes.py", "tests/functions/core/test_broadcast.py"),
        *("tests/contract/test_store.py", "web/client/gatepost.js", "docs/reference/protocol.md"),
    ):
        assert needed in files
    assert not [path for path in files if re.match(r"(gatepost|benchmarks|tests/gatepost)/", path)]
    assert not [path for path in files if (ROOT / path).is_symlink()]
    assert ("web/demo/chat.html" in files) == (choices.demo == "chat")
    index = yaml.safe_load(files["serverless.yml"].replace(b"!", b""))["custom"]["gatepost"]
    assert ("index" in index) == (choices.demo == "chat")


def test_most_tests_of_functions_go_along() -> None:
    """Those of functions/ all; of the contract all but those of gatepost's own inside."""
    files = selected(ROOT, CHAT)
    ours = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/functions/**/*.py")}
    assert ours <= files.keys()
    contract = {path.name for path in ROOT.glob("tests/contract/test_*.py")}
    gone = {Path(path).name for path in files if path.startswith("tests/contract/test_")}
    assert len(contract - gone) <= len(contract) // 3


def test_a_project_depends_on_gatepost_of_this_version() -> None:
    """In pyproject.toml, where the Makefile finds it; its package is not built."""
    project = tomllib.loads(selected(ROOT, CHAT)["pyproject.toml"].decode())
    assert project["project"]["name"] == "team-chat"
    assert "build-system" not in project
    assert project["dependency-groups"]["run"][0] == f"gatepost=={__version__}"
    assert "gatepost" not in json.dumps(project["tool"])


def test_what_is_deployed_is_never_called_gatepost() -> None:
    """But in comments, and where the emulator's own settings are; so are all other names."""
    files = selected(ROOT, BOTH)
    for path, content in files.items():
        provisioning = path.startswith("infra/") and path.endswith((".yml", ".tf"))
        if path in {"serverless.yml", "package.json"} or provisioning:
            lines = [line.partition("#")[0] for line in content.decode().splitlines()]
            named = [line for line in lines if "gatepost" in line and line != "  gatepost: "]
            module = [
                line for line in named if 'module "gatepost"' in line or "module.gate" in line
            ]
            own_default = ['  default     = "gatepost"'] if path.endswith("variables.tf") else []
            assert named == module + own_default, path
    assert b"Gatepost" not in b"".join(
        files[path] for path in files if path.startswith("web/demo/")
    )
    assert "us-east-1" not in files["serverless.yml"].decode()
