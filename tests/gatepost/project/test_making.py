"""A project is written whole or not at all, and over nothing."""

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatepost.project.choices import Choices
from gatepost.project.errors import ProjectError
from gatepost.project.making import files_of, make_project, refuse_occupied, write_project

if TYPE_CHECKING:
    from tests.gatepost.project.conftest import MakeTemplate

ROOT = Path(__file__).parents[3]
CHAT = Choices("chat")
MARK = re.compile(r"^\s*(#|//|<!--) ?</?(gatepost|project|demo|terraform)>", re.MULTILINE)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_project_is_what_its_template_gives(template: "MakeTemplate", tmp_path: Path) -> None:
    """With a README and a changelog of its own, and our license under a name that says so."""
    made = tmp_path / "deep" / "chat"
    count = make_project(made, template(), CHAT)
    files = contents(made)
    assert len(files) == count
    assert files == files_of(template(), CHAT)
    assert files["README.md"].startswith(b"# chat\n")
    assert b"- [Do A](docs/how-to/a.md)" in files["README.md"]
    assert files["LICENSE.gatepost"] == b"MIT\n"
    assert b"gatepost new . --name chat --region us-east-1" in files["README.md"]
    assert [entry.name for entry in (tmp_path / "deep").iterdir()] == ["chat"]


def test_no_field_and_no_mark_is_left_in_a_project() -> None:
    """Nor a link of its own pages that leads nowhere."""
    files = files_of(ROOT, Choices("chat", terraform=True))
    for path, content in files.items():
        text = content.decode()
        assert not re.search(r"@(name|region|version|flags|pages)@", text), path
        assert not MARK.search(text), path
        if path.endswith(".md"):
            folder = os.path.dirname(path)  # noqa: PTH120 - these paths are keys, not files
            for link in re.findall(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)", text):
                target = os.path.normpath(os.path.join(folder, link))  # noqa: PTH118 - as above
                assert any(each == target or each.startswith(f"{target}/") for each in files), link


def test_what_is_executable_stays_so(template: "MakeTemplate", tmp_path: Path) -> None:
    """And the folder is as open as any new one."""
    root = template({"infra/run.sh": "#!/bin/sh\n"})
    (root / "infra/run.sh").chmod(0o755)
    make_project(tmp_path / "chat", root, CHAT)
    (tmp_path / "other").mkdir()
    assert os.access(tmp_path / "chat/infra/run.sh", os.X_OK)
    assert not os.access(tmp_path / "chat/serverless.yml", os.X_OK)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("chat", "other")}
    assert len(modes) == 1


@pytest.mark.parametrize("occupied", ["file", "folder", "dangling link"])
def test_nothing_is_written_over(occupied: str, template: "MakeTemplate", tmp_path: Path) -> None:
    """What is there stays as it is."""
    target = tmp_path / "chat"
    if occupied == "file":
        target.write_text("mine")
    elif occupied == "folder":
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    else:
        target.symlink_to(tmp_path / "nowhere")
    before = {path.name for path in tmp_path.rglob("*")}
    with pytest.raises(ProjectError, match=str(target)):
        make_project(target, template({}), CHAT)
    assert {path.name for path in tmp_path.rglob("*") if "template" not in path.parts} >= before
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("git", ["folder", "file", None])
def test_an_empty_folder_may_be_there(
    git: str | None, template: "MakeTemplate", tmp_path: Path
) -> None:
    """Also one that git has begun, as in a fresh clone (folder) or a worktree (file)."""
    target = tmp_path / "chat"
    target.mkdir()
    if git == "folder":
        (target / ".git").mkdir()
    elif git == "file":
        (target / ".git").write_text("gitdir: elsewhere\n")
    refuse_occupied(target)
    make_project(target, template(), CHAT)
    assert (target / ".git").exists() == (git is not None)
    assert (target / "serverless.yml").is_file()


class OneTooMany(dict[str, bytes]):
    """Files of which the last is never written: the developer presses Ctrl-C."""

    def items(self):  # type: ignore[no-untyped-def] # noqa: ANN201 - a dictionary's own
        """Give one and interrupt."""
        yield next(iter(super().items()))
        raise KeyboardInterrupt


@pytest.mark.parametrize("there", [True, False])
def test_who_interrupts_it_finds_nothing(there: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    """No half project, and no folder beside it."""
    if there:
        (tmp_path / "chat").mkdir()
    with pytest.raises(KeyboardInterrupt):
        write_project(tmp_path / "chat", OneTooMany({"a": b"", "b": b""}), ROOT)
    assert [path.name for path in tmp_path.rglob("*")] == (["chat"] if there else [])


def test_what_can_not_be_put_in_its_place_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    """What was put there already is taken back; git's own file is not."""
    target = tmp_path / "chat"
    target.mkdir()
    (target / ".git").write_text("gitdir: elsewhere\n")
    files = {"!first/a": b"", "!second": b"", ".git/in the way": b""}
    with pytest.raises(ProjectError, match=r"\.git"):
        write_project(target, files, ROOT)
    assert [path.name for path in target.iterdir()] == [".git"]
    assert (target / ".git").read_text() == "gitdir: elsewhere\n"


def test_a_place_that_can_not_be_written_to_is_named(
    template: "MakeTemplate", tmp_path: Path
) -> None:
    """In one sentence, not a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match="file"):
        make_project(tmp_path / "file" / "chat", template(), CHAT)
