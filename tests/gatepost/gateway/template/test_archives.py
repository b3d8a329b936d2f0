"""Zip files of code, also such as nobody should trust."""

import stat
import zipfile
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template import archives
from gatepost.gateway.template.archives import ArchiveError, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def made(
    folder: "Path",
    files: "Mapping[str, str]",
    *,
    mode: int = 0,
    links: "Mapping[str, str] | None" = None,
) -> "Path":
    """Make an archive of files and symbolic links."""
    path = folder / "code.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for names, attributes in ((files, mode), (links or {}, stat.S_IFLNK | 0o777)):
            for name, text in names.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = attributes << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, text)
    return path


def unpacked(archive: "Path") -> "Path":
    """Unpack beside the archive."""
    return unpack(archive, archive.parent, lambda _: None)


def test_what_it_contains_names_the_folder(tmp_path: "Path") -> None:
    """The same archive is unpacked once; another gets a folder of its own."""
    first = unpacked(made(tmp_path, {"app.py": "one", "pkg/deep/x.txt": "x", "empty/": ""}))
    assert (first / "app.py").read_text(encoding="utf-8") == "one"
    assert (first / "pkg/deep/x.txt").is_file()
    assert (first / "empty").is_dir()
    (first / "app.py").write_text("edited", encoding="utf-8")
    assert unpacked(tmp_path / "code.zip") == first
    assert (first / "app.py").read_text(encoding="utf-8") == "edited"
    second = unpacked(made(tmp_path, {"app.py": "two"}))
    assert second != first
    assert {folder.name for folder in first.parent.iterdir()} == {first.name, second.name}


def test_a_program_stays_one(tmp_path: "Path") -> None:
    """Only that of its mode is kept."""
    root = unpacked(made(tmp_path, {"tool": "#!/bin/sh"}, mode=0o100755))
    assert (root / "tool").stat().st_mode & 0o111


@pytest.mark.parametrize("name", ["../out.py", "a/../../out.py", "/out.py", "..\\out.py"])
def test_an_entry_outside_of_the_folder_is_refused(tmp_path: "Path", name: str) -> None:
    """And nothing is left of the others."""
    with pytest.raises(ArchiveError, match="would lie outside"):
        unpacked(made(tmp_path, {"app.py": "", name: ""}))
    assert not list((tmp_path / ".gatepost/unpacked").iterdir())
    assert not (tmp_path / "out.py").exists()


def test_links_within_are_made(tmp_path: "Path") -> None:
    """As `zip -y` keeps those of npm; one that leads nowhere is left out."""
    links = {"node_modules/a": "../lib/a", "bin/tool": "../lib/a/run", "lost": "nowhere"}
    root = unpacked(made(tmp_path, {"lib/a/run": "go"}, links=links))
    assert (root / "node_modules/a/run").read_text(encoding="utf-8") == "go"
    assert (root / "bin/tool").read_text(encoding="utf-8") == "go"
    assert not (root / "lost").is_symlink()


@pytest.mark.parametrize(
    "links", [{"out": "../../.."}, {"out": "/"}, {"in/deep": "..", "out": "in/deep/../../.."}]
)
def test_a_link_that_leads_outside_is_refused(tmp_path: "Path", links: dict[str, str]) -> None:
    """Also over another link."""
    with pytest.raises(ArchiveError, match="has a link to"):
        unpacked(made(tmp_path, {"in/app.py": ""}, links=links))


def test_what_it_unpacks_to_is_bounded(tmp_path: "Path") -> None:
    """By what comes out, whatever the archive says of it."""
    zeros = chr(0) * (archives.UNPACKED_BYTES_MAX // 2 + 1)
    with pytest.raises(ArchiveError, match="unpacks to more than 262144000 bytes"):
        unpacked(made(tmp_path, {"a": zeros, "b": zeros}))
    assert not list((tmp_path / ".gatepost/unpacked").iterdir())


def test_what_lambda_can_t_unpack_is_refused(tmp_path: "Path") -> None:
    """A method that only some tools know, and what is no archive."""
    with zipfile.ZipFile(tmp_path / "code.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("app.py", "x = 1")
    with pytest.raises(ArchiveError, match="that Lambda can't unpack"):
        unpacked(tmp_path / "code.zip")
    (tmp_path / "code.zip").write_bytes(b"PK, but no more")
    with pytest.raises(ArchiveError, match="can't be unpacked: File is not a zip file"):
        unpacked(tmp_path / "code.zip")
