"""What must be there before anything is deployed or removed: each thing missing is one sentence.

Of this machine and of the project alone; what only AWS knows is in account.py.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

OSLS: Final = Path("node_modules/osls")
NODE_TIMEOUT_S: Final = 20
SECRET_BYTES_MIN: Final = 32
"""A secret of HS256: RFC 7518, section 3.2."""

_VERSION: Final = re.compile(r"(\^|>=)?\s*v?(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_REGION_NAME: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_STAGE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_SERVICE: Final = re.compile(r"^service:\s*['\"]?([\w-]+)", re.MULTILINE)
_ARTIFACT: Final = re.compile(r"\bartifact:\s*['\"]?([\w./-]+)")
_REGION: Final = re.compile(r"^  region:\s*\$\{opt:region,\s*['\"]([a-z0-9-]+)['\"]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder, as far as its serverless.yml is looked at here: by a few of its lines."""

    folder: Path
    service: str
    region: str | None
    archives: tuple[Path, ...]


def read_project(folder: Path) -> Project | None:
    """Read the project; None where there is no serverless.yml that names a service."""
    try:
        text = (folder / "serverless.yml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    service, region = _SERVICE.search(text), _REGION.search(text)
    if service is None:
        return None
    archives = sorted({folder / name for name in _ARTIFACT.findall(text)})
    return Project(folder, service[1], region[1] if region else None, tuple(archives))


def missing_names(stage: str, region: str | None) -> Iterator[str]:
    """Say what is wrong with stage and region."""
    if not _STAGE_NAME.fullmatch(stage):
        yield f"stage: {stage!r} is not 1 to 32 letters, digits, - and _: STAGE=dev"
    if region is None:
        yield "region: serverless.yml names no default: add REGION=eu-central-1"
    elif not _REGION_NAME.fullmatch(region):
        yield f"region: {region!r} is none: a region is named as in eu-central-1"


def missing_tools(project: Project, osls: Path, node: str) -> Iterator[str]:
    """Say what is missing of osls, in the version that package.json pins, and of Node for it."""
    package = _json(project.folder / osls / "package.json")
    wanted = _json(project.folder / "package.json").get("devDependencies", {}).get("osls")
    if not package:
        yield f"osls: it is not in {osls}: run `npm ci`"
    elif wanted and package.get("version") != wanted:
        have = package.get("version")
        yield f"osls: {osls} has {have}, and package.json pins {wanted}: run `npm ci`"
    version = _node_version(node)
    engines = str(package.get("engines", {}).get("node", ""))
    if version is None:
        yield f"Node: `{node} --version` fails: install Node {engines or '20 or newer'}"
    elif engines and not satisfies(version, engines):
        yield f"Node: {version} is here, and osls wants {engines}"


def missing_archives(project: Project) -> Iterator[str]:
    """Say which archives are not there, or were made of other sources than these."""
    for archive in project.archives:
        shown = archive.relative_to(project.folder)
        try:
            changed = _first_difference(archive, project.folder / "functions")
        except FileNotFoundError:
            yield f"archives: {shown} is not there: run `make package`"
        except (OSError, BadZipFile) as error:
            yield f"archives: {shown} can't be read ({error}): run `make package`"
        else:
            if changed:
                yield f"archives: {shown} has another functions/{changed}: run `make package`"


def missing_secrets(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """Say when tokens would be signed with what everybody knows, or could guess."""
    secret = environ.get("JWT_SECRET", "")
    if not secret:
        return
    if len(secret.encode()) < SECRET_BYTES_MIN:
        yield f"JWT_SECRET: it has fewer than {SECRET_BYTES_MIN} bytes: openssl rand -hex 32"
    try:
        local = (folder / "local.env").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    if re.search(rf"^JWT_SECRET=['\"]?{re.escape(secret)}['\"]?$", local, re.MULTILINE):
        yield "JWT_SECRET: it is that of local.env, which everybody knows: openssl rand -hex 32"


def satisfies(version: str, wanted: str) -> bool:
    """Say whether a version is in a range of npm's, of `^a.b.c`, `>=a` and `||`.

    Of a range in other words this knows nothing, and lets it pass: osls checks for itself.
    """
    found = _parsed(version)
    for alternative in wanted.split("||"):
        match = _VERSION.fullmatch(alternative.strip())
        if match is None or match[1] is None or found is None:
            return True
        least = _parsed(alternative.strip(" ^>="))
        if least is None:
            return True
        if found >= least and (match[1] == ">=" or found[0] == least[0]):
            return True
    return False


def _parsed(version: str) -> tuple[int, int, int] | None:
    match = _VERSION.fullmatch(version.strip())
    return (int(match[2]), int(match[3] or 0), int(match[4] or 0)) if match else None


def _node_version(node: str) -> str | None:
    try:
        found = subprocess.run(  # noqa: S603 - the Node that the caller names
            [node, "--version"], check=True, capture_output=True, text=True, timeout=NODE_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _first_difference(archive: Path, functions: Path) -> str | None:
    """Give the first source that the archive has otherwise, has not, or has alone."""
    here = {
        path.relative_to(functions).as_posix(): path
        for path in functions.rglob("*.py")
        if not any(part.startswith(".") for part in path.relative_to(functions).parts)
    }
    with ZipFile(archive) as packed:
        prefix = "functions/"
        names = {
            name.removeprefix(prefix)
            for name in packed.namelist()
            if name.startswith(prefix) and name.endswith(".py")
        }
        for name in sorted(names | here.keys()):
            if name not in names or name not in here:
                return name
            if packed.read(prefix + name) != here[name].read_bytes():
                return name
    return None
