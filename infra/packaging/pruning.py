"""What of the installed packages a function never reads: it stays out of the archive.

What is dropped by its kind is data for people, compilers and tests. What is dropped by name stands
in a list, each with its reason. A package that isn't known here keeps all its code and data.
"""

import gzip
import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final

from infra.packaging.errors import UsageError

METADATA: Final = {".dist-info", ".egg-info"}
"""Nothing that is deployed asks importlib.metadata for versions or entry points."""

_FOR_COMPILERS_AND_PEOPLE: Final = {".c", ".h", ".md", ".pxd", ".pxi", ".pyi", ".pyx", ".rst"}
_MARKERS: Final = {"py.typed", ".lock", ".hash"}
_TESTS: Final = {"test", "tests"}

UNUSED: Final = (
    "bin",  # commands
    "wrapt-stubs",  # types
    "multidict/_testcapi.*",  # multidict's tests of itself in C
    "pycparser",  # only cffi's own parser of C declarations, which is not ...
    "cffi",  # ... what cryptography needs of it: that is _cffi_backend, beside it
    "aiohttp/_websocket/*.so",  # a faster reader of WebSocket messages; nobody here is a client
    "aiohttp/pytest_plugin.py",
    "aiohttp/test_utils.py",
    "botocore/data/*/*/examples-1.json*",
    "urllib3/contrib/emscripten",  # for Pythons in browsers
    "dateutil/zoneinfo/*.tar.gz",  # time zones by name; AWS's times are in UTC
)


def prune(folder: Path, services: Collection[str]) -> None:
    """Remove from a folder of installed packages what no function reads.

    Of botocore's data stays what is about the services named, in its latest version. Raises
    UsageError for a service that botocore doesn't know.
    """
    for path in sorted(folder.rglob("*"), key=lambda each: len(each.parts), reverse=True):
        if path.is_dir() and (path.name in _TESTS or path.suffix in METADATA):
            shutil.rmtree(path)
        elif path.is_file() and (path.suffix in _FOR_COMPILERS_AND_PEOPLE or path.name in _MARKERS):
            path.unlink()
    for pattern in UNUSED:
        for path in sorted(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    data = folder / "botocore" / "data"
    if data.is_dir():
        _prune_services(data, services)
        for model in sorted(data.glob("*/*/*.json.gz")):
            _unpack(model)
        _prune_endpoints(data)


def _prune_services(data: Path, services: Collection[str]) -> None:
    unknown = sorted(each for each in services if not (data / each).is_dir())
    if unknown:
        raise UsageError(f"botocore has no service {', '.join(unknown)}")
    for service in sorted(each for each in data.iterdir() if each.is_dir()):
        older = sorted(service.iterdir())[:-1] if service.name in services else [service]
        for folder in older:
            shutil.rmtree(folder)


def _unpack(model: Path) -> None:
    """Leave the model unpacked: the archive packs it, and a cold start need not unpack it again."""
    model.with_suffix("").write_bytes(gzip.decompress(model.read_bytes()))
    model.unlink()


def _prune_endpoints(data: Path) -> None:
    """Leave of this file the regions and the services that stay: each cold start reads it whole."""
    models = (json.loads(path.read_bytes()) for path in data.glob("*/*/service-2.json"))
    prefixes = {model["metadata"]["endpointPrefix"] for model in models}
    path = data / "endpoints.json"
    endpoints = json.loads(path.read_bytes())
    for partition in endpoints["partitions"]:
        kept = partition["services"].keys() & prefixes
        partition["services"] = {name: partition["services"][name] for name in sorted(kept)}
    path.write_text(json.dumps(endpoints, separators=(",", ":")), encoding="utf-8")
