"""docs/how-to/upgrade-from-the-template.md works as printed, from one version to the next."""

import os
import re
import sys
from pathlib import Path
from zipfile import ZipFile

from tests.e2e.own_project import build_wheel, run
from tests.optional_tools import ROOT

PAGE = ROOT / "docs/how-to/upgrade-from-the-template.md"
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ann"), ("EMAIL", "ann@example.test"))
}


def install(wheel: Path, folder: Path) -> None:
    """Unpack a wheel, and put a program `gatepost` beside it that runs what is there."""
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    program = folder / "gatepost-program/gatepost"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{folder}" exec "{sys.executable}" -c '
        f'"import sys; from gatepost.emulator.cli import main; sys.exit(main())" "$@"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)


def edit(path: Path, old: str, new: str) -> None:
    """Replace what stands once in a file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new), encoding="utf-8")


def in_shell(script: str, folder: Path, installed: Path) -> None:
    """Run the page's commands; the first that fails ends them. `make test` has its own test."""
    path = f"{installed / 'gatepost-program'}:{os.environ['PATH']}"
    shell = {"PATH": path, "HOME": str(folder), **AUTHOR}
    script = script.replace("make test\n", "")
    run("sh", "-euc", script, cwd=folder, env=shell, within_s=60)


def test_a_project_takes_what_the_template_has_changed_and_keeps_its_own(tmp_path: Path) -> None:
    """Changes of both sides to one file are merged, and the version is the new one's."""
    beginning, upgrading = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    wheel = build_wheel(tmp_path / "wheels")
    old, new = tmp_path / "old", tmp_path / "new"
    for installed in (old, new):
        install(wheel, installed)
    edit(new / "gatepost/__init__.py", '__version__ = "', '__version__ = "99.')
    template = new / "gatepost/project/template"
    edit(template / "serverless.yml", "runtime: python3.13", "runtime: python3.14")
    (template / "functions/core/newer.py").write_text('"""Newer."""\n', encoding="utf-8")
    (template / "functions/actions/echo.py").unlink()

    in_shell(beginning, tmp_path, old)
    project = tmp_path / "chat"
    edit(project / "serverless.yml", "memorySize: 1024", "memorySize: 512")
    edit(project / "pyproject.toml", 'tokens = ["pyjwt', 'tokens = ["ours", "pyjwt')
    (project / "functions/actions/ours.py").write_text('"""Ours."""\n', encoding="utf-8")
    in_shell("git add --all\ngit commit --message Ours", project, old)
    in_shell(upgrading, project, new)

    merged = (project / "serverless.yml").read_text(encoding="utf-8")
    assert "memorySize: 512" in merged
    assert "runtime: python3.14" in merged
    depends = (project / "pyproject.toml").read_text(encoding="utf-8")
    assert '"gatepost==99.' in depends
    assert '"ours", "pyjwt' in depends
    assert (project / "functions/actions/ours.py").is_file()
    assert (project / "functions/core/newer.py").is_file()
    assert not (project / "functions/actions/echo.py").exists()
    assert not (tmp_path / "chat-template").exists()
