"""What is missing before a deployment is said in one sentence each, with what to do."""

import json
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra.deploying import needs
from tests.infra.own_name import own_name, own_region

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node") or "node"


def project(folder: Path, text: str = "") -> needs.Project:
    """A project with one function and an archive of it."""
    (folder / "serverless.yml").write_text(
        text
        or "service: shop\nprovider:\n  region: ${opt:region, 'eu-central-1'}\n"
        "package: {artifact: build/functions.zip}\n",
        encoding="utf-8",
    )
    (folder / "functions").mkdir()
    (folder / "functions/connect.py").write_text("connect", encoding="utf-8")
    (folder / "build").mkdir()
    with ZipFile(folder / "build/functions.zip", "w") as archive:
        archive.writestr("functions/connect.py", "connect")
        archive.writestr("msgspec/__init__.py", "something else")
    found = needs.read_project(folder)
    assert found is not None
    return found


def put_osls(folder: Path, version: str = "4.3.1", engines: str = ">=1") -> None:
    """An osls in node_modules, pinned at 4.3.1."""
    package = {"version": version, "engines": {"node": engines}}
    (folder / needs.OSLS).mkdir(parents=True)
    (folder / needs.OSLS / "package.json").write_text(json.dumps(package), encoding="utf-8")
    pinned = {"devDependencies": {"osls": "4.3.1"}}
    (folder / "package.json").write_text(json.dumps(pinned), encoding="utf-8")


def test_a_project_is_known_by_a_few_lines_of_its_template(tmp_path: Path) -> None:
    """Its service, its default region, its archives."""
    found = project(tmp_path)
    assert (found.service, found.region) == ("shop", "eu-central-1")
    assert found.archives == (tmp_path / "build/functions.zip",)


def test_this_project_is_read_as_it_is() -> None:
    """Those lines are there."""
    found = needs.read_project(ROOT)
    assert found is not None
    assert (found.service, found.region) == (own_name(), own_region())


@pytest.mark.parametrize("text", ["provider: {}\n", "service: ${file(x)}\n"])
def test_a_template_without_a_service_is_no_project(tmp_path: Path, text: str) -> None:
    """Nor is a folder without one."""
    assert needs.read_project(tmp_path) is None
    (tmp_path / "serverless.yml").write_text(text, encoding="utf-8")
    assert needs.read_project(tmp_path) is None


@pytest.mark.parametrize(
    ("stage", "region", "said"),
    [
        ("dev", "eu-central-1", []),
        ("prod-2", "us-gov-west-1", []),
        ("", "eu-central-1", ["stage: '' is not"]),
        ("a b", "eu-central-1", ["stage: 'a b' is not"]),
        ("dev", None, ["region: serverless.yml names no default"]),
        ("dev", "Frankfurt", ["region: 'Frankfurt' is none"]),
    ],
)
def test_stage_and_region_have_the_form_of_such(
    stage: str, region: str | None, said: list[str]
) -> None:
    """What else they are, AWS knows."""
    found = list(needs.missing_names(stage, region))
    assert len(found) == len(said)
    assert all(one.startswith(other) for one, other in zip(found, said, strict=True))


@pytest.mark.node
def test_with_osls_and_its_node_nothing_is_missing(tmp_path: Path) -> None:
    """In the version that is pinned."""
    put_osls(tmp_path)
    assert list(needs.missing_tools(project(tmp_path), needs.OSLS, NODE)) == []


@pytest.mark.node
def test_the_osls_of_this_project_runs_on_this_node() -> None:
    """As `npm ci` installs it."""
    found = needs.read_project(ROOT)
    assert found is not None
    assert list(needs.missing_tools(found, needs.OSLS, NODE)) == []


def test_an_osls_or_node_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Both at once."""
    osls, node = needs.missing_tools(project(tmp_path), needs.OSLS, "no-such-node")
    assert osls == "osls: it is not in node_modules/osls: run `npm ci`"
    assert node == "Node: `no-such-node --version` fails: install Node 20 or newer"


@pytest.mark.node
def test_another_osls_or_a_node_that_it_does_not_want_is_said(tmp_path: Path) -> None:
    """With both versions."""
    put_osls(tmp_path, version="4.0.0", engines="^3.1.0")
    osls, node = needs.missing_tools(project(tmp_path), needs.OSLS, NODE)
    assert osls == ("osls: node_modules/osls has 4.0.0, and package.json pins 4.3.1: run `npm ci`")
    assert node.endswith("is here, and osls wants ^3.1.0")


@pytest.mark.parametrize(
    ("version", "satisfied"),
    [
        ("v20.19.0", True),
        ("v20.20.2", True),
        ("v20.18.9", False),
        ("v21.0.0", False),
        ("v22.12.0", False),
        ("v22.13.0", True),
        ("v23.9.0", False),
        ("v24.0.0", True),
        ("v30.1.2", True),
    ],
)
def test_versions_of_node_are_held_against_what_osls_asks_for(
    version: str,
    satisfied: bool,  # noqa: FBT001 - a case's expectation
) -> None:
    """The range that stands in its package.json."""
    assert needs.satisfies(version, "^20.19.0 || ^22.13.0 || >=24") is satisfied


@pytest.mark.parametrize("wanted", ["20.x", "~20.1.0", ">=20 <23", "*"])
def test_a_range_in_other_words_is_left_to_osls(wanted: str) -> None:
    """It checks as well."""
    assert needs.satisfies("v1.0.0", wanted)


def test_archives_of_these_sources_are_enough(tmp_path: Path) -> None:
    """Whatever else they hold."""
    assert list(needs.missing_archives(project(tmp_path))) == []


@pytest.mark.parametrize("change", ["changed", "added", "removed"])
def test_an_archive_of_other_sources_is_said(tmp_path: Path, change: str) -> None:
    """What was edited since would not be deployed, which nobody notices."""
    found = project(tmp_path)
    name = "connect.py"
    if change == "changed":
        (tmp_path / "functions/connect.py").write_text("other", encoding="utf-8")
    elif change == "added":
        name = "core/new.py"
        (tmp_path / "functions/core").mkdir()
        (tmp_path / "functions/core/new.py").write_text("", encoding="utf-8")
    else:
        (tmp_path / "functions/connect.py").unlink()
    assert list(needs.missing_archives(found)) == [
        f"archives: build/functions.zip has another functions/{name}: run `make package`"
    ]


def test_an_archive_that_is_not_there_or_is_none_is_said(tmp_path: Path) -> None:
    """And how to make it."""
    found = project(tmp_path)
    found.archives[0].write_bytes(b"no zip")
    [said] = needs.missing_archives(found)
    assert "build/functions.zip can't be read (File is not a zip file)" in said
    found.archives[0].unlink()
    [said] = needs.missing_archives(found)
    assert said == "archives: build/functions.zip is not there: run `make package`"


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", []),
        ("a secret of its own, and as long as it must be", []),
        ("short", ["fewer than 32 bytes"]),
        ("local-secret-that-everybody-knows-never-deploy-it", ["that of local.env"]),
    ],
)
def test_a_secret_that_is_none_is_said(secret: str, said: list[str]) -> None:
    """Tokens signed with it would let anybody in."""
    found = list(needs.missing_secrets(ROOT, {"JWT_SECRET": secret}))
    assert len(found) == len(said)
    assert all(part in one for part, one in zip(said, found, strict=True))
    assert all(secret not in one for one in found)
