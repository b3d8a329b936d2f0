"""What of installed packages is left out of the archives."""

import gzip
import json
from pathlib import Path

import pytest

from infra.packaging.errors import UsageError
from infra.packaging.pruning import prune

KEPT = {
    "package/__init__.py",
    "package/data.txt",
    "package/native.cpython-313-x86_64-linux-gnu.so",
    "package/testing/__init__.py",
    "module.py",
}
DROPPED = {
    "bin/command",
    "module-1.0.dist-info/METADATA",
    "module-1.0.dist-info/licenses/LICENSE",
    "package/__init__.pyi",
    "package/native.c",
    "package/py.typed",
    "package/tests/test_package.py",
    "multidict/_testcapi.cpython-313-x86_64-linux-gnu.so",
}


def write(folder: Path, name: str, content: object = "") -> None:
    """Write a file, packed if it is named so."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())


def files(folder: Path) -> set[str]:
    """Name all files."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_for_people_compilers_and_tests_is_dropped(tmp_path: Path) -> None:
    """Code and data stay, of packages that nobody here knows too."""
    for name in KEPT | DROPPED:
        write(tmp_path, name)
    prune(tmp_path, {"dynamodb"})
    assert files(tmp_path) == KEPT


@pytest.fixture
def botocore(tmp_path: Path) -> Path:
    """Write what of botocore's data counts here."""
    for service, versions in {
        "sqs": ("2012-11-05",),
        "dynamodb": ("2011-12-05", "2012-08-10"),
    }.items():
        for version in versions:
            folder = f"botocore/data/{service}/{version}"
            model = {"metadata": {"endpointPrefix": service}, "version": version}
            write(tmp_path, f"{folder}/service-2.json.gz", model)
            write(tmp_path, f"{folder}/examples-1.json")
    services: dict[str, object] = {"dynamodb": {}, "sqs": {}, "s3": {}}
    partition = {"partition": "aws", "regions": {"eu-west-1": {}}, "services": services}
    write(tmp_path, "botocore/data/endpoints.json", {"partitions": [partition]})
    write(tmp_path, "botocore/data/_retry.json")
    return tmp_path


def test_of_botocores_data_the_newest_of_the_services_in_use_stays(botocore: Path) -> None:
    """It is unpacked: the archive packs it, and nobody has to unpack it at a cold start."""
    prune(botocore, {"dynamodb"})
    model = "botocore/data/dynamodb/2012-08-10/service-2.json"
    common = {"botocore/data/_retry.json", "botocore/data/endpoints.json"}
    assert files(botocore) == common | {model}
    assert json.loads((botocore / model).read_bytes())["version"] == "2012-08-10"


def test_of_botocores_endpoints_those_of_the_services_in_use_stay(botocore: Path) -> None:
    """With all regions and partitions."""
    prune(botocore, {"dynamodb"})
    [partition] = json.loads((botocore / "botocore/data/endpoints.json").read_bytes())["partitions"]
    assert (partition["regions"], partition["services"]) == ({"eu-west-1": {}}, {"dynamodb": {}})


def test_a_service_that_botocore_does_not_have_is_refused(botocore: Path) -> None:
    """It is misspelt, or newer."""
    with pytest.raises(UsageError, match="botocore has no service dynamo"):
        prune(botocore, {"dynamo"})
