"""`python -m infra.package`: build the two archives that serverless.yml deploys.

build/functions.zip holds the functions with what requirements/functions.txt pins; build/tokens.zip,
for those that verify tokens, with what requirements/tokens.txt does. The same sources give the same
bytes. An archive that is there is replaced when both new ones are complete, and not before.
"""

import argparse
import hashlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.packaging.archive import write_archive
from infra.packaging.bytecode import compile_beside, compile_in_place
from infra.packaging.dependencies import install
from infra.packaging.errors import PackagingError
from infra.packaging.interpreter import VARIABLE, find_interpreter
from infra.packaging.pruning import prune
from infra.packaging.services import services_in_use
from infra.packaging.target import PLATFORMS, Target, read_target

if TYPE_CHECKING:
    from collections.abc import Iterator

ARTIFACTS: Final = ("functions", "tokens")
"""Each is a file in requirements/ and an archive."""

UNPACKED_BYTES_MAX: Final = 250 * 1024 * 1024
"""Lambda's quota for a function's code and layers, unpacked."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be built; without interpreter there is no bytecode."""

    project: Path
    target: Target
    interpreter: Path | None
    services: frozenset[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the archives; give the exit code: 2 for what is missing, 1 for what failed."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _build_all(_plan(options), options.out)
    except PackagingError as error:
        print(f"package: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("package: interrupted; no archive was touched", file=sys.stderr)
        return 130
    return 0


def build(plan: Plan, artifact: str, archive: Path) -> None:
    """Build one archive; raise PackagingError, OSError."""
    with tempfile.TemporaryDirectory(prefix="gatepost-package-") as staging:
        root = Path(staging)
        install(plan.project / "requirements" / f"{artifact}.txt", root, plan.target)
        prune(root, plan.services)
        if plan.interpreter is not None:
            compile_in_place(root, plan.interpreter)
        functions = root / "functions"
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
        shutil.copytree(plan.project / "functions", functions, ignore=ignored)
        if plan.interpreter is not None:
            compile_beside(root, functions, plan.interpreter)
        unpacked = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        if unpacked > UNPACKED_BYTES_MAX:
            raise PackagingError(
                f"{artifact}.zip would hold {unpacked >> 20} MB; Lambda takes 250 MB, unpacked"
            )
        write_archive(root, archive)


def _plan(options: argparse.Namespace) -> Plan:
    project = Path.cwd()
    target = read_target(
        project / "serverless.yml", runtime=options.runtime, architecture=options.architecture
    )
    interpreter = find_interpreter(target.python, os.environ) if options.bytecode else None
    services = services_in_use(project / "functions", options.service)
    return Plan(project, target, interpreter, services)


def _build_all(plan: Plan, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with _work_folder(out) as work:
        for artifact in ARTIFACTS:
            build(plan, artifact, work / f"{artifact}.zip")
        for artifact in ARTIFACTS:
            (work / f"{artifact}.zip").replace(out / f"{artifact}.zip")
    for artifact in ARTIFACTS:
        archive = out / f"{artifact}.zip"
        content = archive.read_bytes()
        print(f"{archive}  {len(content):,} bytes  sha256 {hashlib.sha256(content).hexdigest()}")
    with_bytecode = "with" if plan.interpreter else "WITHOUT"
    print(
        f"For Python {plan.target.python} on {plan.target.architecture}, {with_bytecode} bytecode; "
        f"services: {', '.join(sorted(plan.services))}"
    )
    if plan.interpreter is None:
        print("Each cold start will compile what it imports, as Lambda's folder is read-only.")


@contextmanager
def _work_folder(out: Path) -> "Iterator[Path]":
    """Keep a folder on the file system of the archives, so that they can be moved in one step."""
    for left in out.glob(".package-*"):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".package-", dir=out) as work:
        yield Path(work)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.package",
        description="Build build/functions.zip and build/tokens.zip for Lambda, without Docker.",
        epilog=f"{VARIABLE} names the interpreter that compiles, of the runtime's minor version.",
    )
    parser.add_argument(
        "--architecture", choices=PLATFORMS, help="else as serverless.yml has it for the provider"
    )
    parser.add_argument("--runtime", help="such as python3.13; else as serverless.yml has it")
    parser.add_argument(
        "--service",
        action="append",
        default=[],
        metavar="NAME",
        help="an AWS service, by botocore's name, that sources of functions/ don't show",
    )
    parser.add_argument(
        "--no-bytecode",
        dest="bytecode",
        action="store_false",
        help="go on without that interpreter; each cold start then compiles what it imports",
    )
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder of the archives")
    return parser


if __name__ == "__main__":
    sys.exit(main())
