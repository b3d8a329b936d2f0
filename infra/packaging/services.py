"""Which AWS services the functions call: those whose clients their sources open."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from infra.packaging.errors import UsageError

_BOTO3_OPENERS: Final = {"client", "resource"}


def services_in_use(folder: Path, named: Iterable[str] = ()) -> frozenset[str]:
    """Give the services whose clients are opened below a folder, and those named besides.

    A name has to be written out where a client is opened. Raises UsageError where it is not, and
    no services are named.
    """
    services = set(named)
    for path in sorted(folder.rglob("*.py")):
        for call, service in _openings(path):
            if service is not None:
                services.add(service)
            elif not named:
                raise UsageError(
                    f"{path}, line {call.lineno}, opens a client of a service that is not written "
                    "out there; name all such services with --service NAME, or their clients can't "
                    "be opened from the archive"
                )
    return frozenset(services)


def _openings(path: Path) -> Iterator[tuple[ast.Call, str | None]]:
    """Give the calls that open clients, each with the service if it is written out."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and _opens(call.func):
            given = [each.value for each in call.keywords if each.arg == "service_name"]
            match [*call.args, *given]:
                case [ast.Constant(str(service)), *_]:
                    yield call, service
                case _:
                    yield call, None


def _opens(function: ast.expr) -> bool:
    """Say whether this is `create_client` of botocore's, or a call of boto3 or a session of it."""
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value.func if isinstance(function.value, ast.Call) else function.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    of_boto3 = name == "boto3" or name.lower().endswith("session")
    return function.attr == "create_client" or (function.attr in _BOTO3_OPENERS and of_boto3)
