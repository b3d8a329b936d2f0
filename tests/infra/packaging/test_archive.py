"""Archives are the same bytes for the same files."""

import os
import zipfile
from pathlib import Path

from infra.packaging.archive import write_archive


def test_times_modes_and_order_of_files_change_nothing(tmp_path: Path) -> None:
    """Only names and contents count."""
    for place, names in enumerate((["b/c.py", "a.so"], ["a.so", "b/c.py"])):
        for name in names:
            path = tmp_path / str(place) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
            path.chmod(0o700 - place * 0o100)
            os.utime(path, (place, place))
        write_archive(tmp_path / str(place), tmp_path / f"{place}.zip")
    first = (tmp_path / "0.zip").read_bytes()
    assert first == (tmp_path / "1.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "0.zip") as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == {
            "a.so": b"a.so",
            "b/c.py": b"b/c.py",
        }
