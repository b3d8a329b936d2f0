"""How large the archives are, packed and unpacked, and which packages make them so.

`nothing left out` is what the same requirements come to when they are installed and zipped as they
are, sources and all.
"""

import asyncio
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

from benchmarks.results import keep
from infra.packaging.archive import write_archive
from infra.packaging.dependencies import install
from infra.packaging.target import PLATFORMS, Target, read_target

ROOT = Path(__file__).parent.parent
ARTIFACTS = ("functions", "tokens")
LARGEST = 12
METHOD = (
    "megabytes (10^6 bytes) of the archives that `make package` builds, packed and unpacked, and "
    "of what the same requirements are when nothing is left out; `by_package`: kilobytes, packed"
)


async def main() -> None:
    """Build the archives for both architectures, print and keep their sizes."""
    python = read_target(ROOT / "serverless.yml", runtime=None, architecture=None).python
    rows: dict[str, dict[str, float]] = {}
    by_package: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for architecture in PLATFORMS:
            out = Path(folder, architecture)
            target = Target(python, architecture)
            await asyncio.to_thread(build, out, target)
            for artifact in ARTIFACTS:
                name = f"{artifact}.zip, {architecture}"
                rows[name] = sizes(out / f"{artifact}.zip")
                rows[f"{name}, nothing left out"] = sizes(out / f"{artifact}-whole.zip")
                by_package[name] = packages(out / f"{artifact}.zip")
    keep("artifact_sizes", METHOD, rows, by_package=by_package)


def build(out: Path, target: Target) -> None:
    """Build both archives, and both with nothing left out."""
    command = [sys.executable, "-m", "infra.package", "--architecture", target.architecture]
    subprocess.run([*command, "--out", out], cwd=ROOT, check=True)
    for artifact in ARTIFACTS:
        folder = out / artifact
        install(ROOT / "requirements" / f"{artifact}.txt", folder, target)
        write_archive(folder, out / f"{artifact}-whole.zip")


def sizes(archive: Path) -> dict[str, float]:
    """Give the size of an archive, packed and unpacked."""
    with zipfile.ZipFile(archive) as opened:
        unpacked = sum(entry.file_size for entry in opened.infolist())
    return {
        "packed_mb": round(archive.stat().st_size / 1e6, 2),
        "unpacked_mb": round(unpacked / 1e6, 2),
    }


def packages(archive: Path) -> dict[str, float]:
    """Give what the largest packages take of an archive."""
    packed: Counter[str] = Counter()
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            packed[entry.filename.partition("/")[0]] += entry.compress_size
    return {name: round(size / 1e3, 1) for name, size in packed.most_common(LARGEST)}
