"""What `make package` builds, and that each entry point runs from it alone.

The archives for x86_64 are run here with the interpreter of the runtime; those for arm64 are built
and looked into.
"""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from infra.package import ARTIFACTS
from infra.packaging.services import services_in_use
from tests.conftest import fresh_table
from tests.optional_tools import ROOT, runtime_interpreter
from tests.signing import SECRET, token

pytestmark = [pytest.mark.runtime, pytest.mark.timeout(400)]

ARCHITECTURES = ("arm64", "x86_64")
MACHINES = {"arm64": b"\xb7\x00", "x86_64": b"\x3e\x00"}
"""What stands for the processor in the header of an ELF file, at byte 18."""

BYTES_MAX = {"functions": 6_000_000, "tokens": 12_000_000}
ARCHIVES = {
    "api": "tokens",
    "authorizer": "tokens",
    "connect": "functions",
    "disconnect": "functions",
    "fanout": "functions",
    "message": "functions",
    "refresh": "tokens",
}
COLD_ENVIRONMENT = ROOT / "benchmarks" / "cold_environment.py"
API_KEY = "a-key"

Archives = Callable[[str], Path]
Run = Callable[[str, Mapping[str, object]], dict[str, Any]]


def names_in(archive: Path) -> list[str]:
    """Give the names of an archive's files in their order."""
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


@pytest.fixture(params=ARCHITECTURES)
def built(request: pytest.FixtureRequest, archives: Archives) -> tuple[str, Path]:
    """Give an architecture and the folder of its archives."""
    return request.param, archives(request.param)


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_an_archive_is_small(built: tuple[str, Path], artifact: str) -> None:
    """Lambda fetches it at a cold start; cryptography is most of the larger one."""
    assert (built[1] / f"{artifact}.zip").stat().st_size <= BYTES_MAX[artifact]


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_an_archive_is_the_same_bytes_for_the_same_files(
    built: tuple[str, Path], artifact: str
) -> None:
    """Names in order, one time, one mode that everybody may read."""
    with zipfile.ZipFile(built[1] / f"{artifact}.zip") as opened:
        entries = opened.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {oct(entry.external_attr >> 16) for entry in entries} == {"0o100644"}


def test_a_second_run_gives_the_same_bytes(archives: Archives, tmp_path: Path) -> None:
    """Compilers, sets and folders have no order of their own in it."""
    first = archives("x86_64")
    command = [sys.executable, "-m", "infra.package", "--architecture", "x86_64"]
    environ = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([*command, "--out", str(tmp_path)], cwd=ROOT, env=environ, check=True)
    for artifact in ARTIFACTS:
        bytes_of = [(folder / f"{artifact}.zip").read_bytes() for folder in (first, tmp_path)]
        digests = {hashlib.sha256(content).hexdigest() for content in bytes_of}
        assert len(digests) == 1, artifact
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.zip" for name in ARTIFACTS}


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_native_code_is_for_the_processor_that_was_asked_for(
    built: tuple[str, Path], artifact: str
) -> None:
    """Wheels of the machine that builds would not load."""
    architecture, folder = built
    with zipfile.ZipFile(folder / f"{artifact}.zip") as opened:
        libraries = [name for name in opened.namelist() if name.endswith(".so")]
        machines = {opened.read(name)[18:20] for name in libraries}
    assert "msgspec/_core.cpython-313-" in " ".join(libraries)
    assert machines == {MACHINES[architecture]}


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_nothing_is_deployed_that_no_function_reads(built: tuple[str, Path], artifact: str) -> None:
    """No tests, no metadata, nothing for compilers and readers; libraries as bytecode alone."""
    names = names_in(built[1] / f"{artifact}.zip")
    kinds = Counter(PurePosixPath(name).suffix for name in names)
    assert set(kinds) <= {".json", ".pem", ".py", ".pyc", ".so"}
    sources = {name for name in names if name.endswith(".py")}
    assert {name.partition("/")[0] for name in sources} == {"functions"}
    assert not [name for name in names if "dist-info" in name or "/tests/" in name]
    packages = {name.partition("/")[0] for name in names}
    tokens_only = {"cryptography", "jwt", "mangum", "starlette"}
    assert packages & tokens_only == (tokens_only if artifact == "tokens" else set())


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_of_botocores_services_those_are_deployed_that_functions_call(
    built: tuple[str, Path], artifact: str
) -> None:
    """400 others are what makes botocore large."""
    with zipfile.ZipFile(built[1] / f"{artifact}.zip") as opened:
        data = [name for name in opened.namelist() if name.startswith("botocore/data/")]
        endpoints = json.loads(opened.read("botocore/data/endpoints.json"))
    services = {PurePosixPath(name).parts[2] for name in data if name.count("/") > 2}
    assert services == services_in_use(ROOT / "functions")
    known = {name for partition in endpoints["partitions"] for name in partition["services"]}
    assert "dynamodb" in known
    assert known <= services


def test_the_functions_are_deployed_with_their_sources_and_bytecode(
    built: tuple[str, Path],
) -> None:
    """Tracebacks show the lines of one's own code."""
    names = set(names_in(built[1] / "functions.zip"))
    sources = {path.relative_to(ROOT) for path in (ROOT / "functions").rglob("*.py")}
    assert {str(path) for path in sources} <= names
    cached = {path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc" for path in sources}
    assert {str(path) for path in cached} <= names


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_bytecode_is_valid_whatever_the_times_and_names_no_folder_of_this_machine(
    archives: Archives, artifact: str
) -> None:
    """Its flags say unchecked-hash (PEP 552); what it names is where Lambda unpacks it."""
    with zipfile.ZipFile(archives("x86_64") / f"{artifact}.zip") as opened:
        codes = {name: opened.read(name) for name in opened.namelist() if name.endswith(".pyc")}
    assert codes
    assert {code[4:8] for code in codes.values()} == {b"\x01\x00\x00\x00"}
    assert [name for name, code in codes.items() if b"/var/task/" not in code] == []
    assert [name for name, code in codes.items() if b"gatepost-package-" in code] == []


@pytest.fixture(scope="module")
def unpacked(archives: Archives, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Unpack the archives for this machine, for reading alone, as Lambda does."""
    folders = {}
    for artifact in ARTIFACTS:
        folder = folders[artifact] = tmp_path_factory.mktemp(artifact)
        with zipfile.ZipFile(archives("x86_64") / f"{artifact}.zip") as opened:
            opened.extractall(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
    return folders


@pytest.fixture(scope="module")
def environ(moto_endpoint: str) -> Iterator[dict[str, str]]:
    """Set what a deployment sets, over a table of its own."""
    with pytest.MonkeyPatch.context() as patch:
        credentials = {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
        }
        for name, value in credentials.items():
            patch.setenv(name, value)
        with fresh_table(moto_endpoint) as table_name:
            yield {
                **credentials,
                "TABLE_NAME": table_name,
                "JWT_SECRET": SECRET,
                "API_KEYS": hashlib.sha256(API_KEY.encode()).hexdigest(),
                "AWS_ENDPOINT_URL_DYNAMODB": moto_endpoint,
                "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": "http://127.0.0.1:9/dev",
                "LC_ALL": "C.UTF-8",
            }


@pytest.fixture
def run(unpacked: dict[str, Path], environ: dict[str, str]) -> Run:
    """Start an entry point cold, from its archive alone, with an event; give what was seen."""

    def start(name: str, event: Mapping[str, object]) -> dict[str, Any]:
        interpreter = runtime_interpreter()
        assert interpreter, "tests that need it are marked so"
        folder = unpacked[ARCHIVES[name]]
        before = sorted(folder.rglob("*"))
        ran = subprocess.run(
            [interpreter, "-I", "-S", COLD_ENVIRONMENT, folder, f"functions/{name}.handler"],
            input=json.dumps(event),
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert sorted(folder.rglob("*")) == before, "something was written beside the code"
        seen: dict[str, Any] = json.loads(ran.stdout)
        assert seen["compiled"] == []
        # Nobody waits for it where Lambda's variables say it all.
        assert not {"aiobotocore", "aiohttp", "botocore"}.intersection(seen["modules"])
        return seen

    return start


def of_connection(**fields: object) -> dict[str, object]:
    """Make an event of a connection whom the authorizer vouches for."""
    identity = json.dumps({"user": "ann"})
    context = {
        "connectionId": "packaged=",
        "connectedAt": 4_000_000_000_000,
        "authorizer": {"principalId": "ann", "identity": identity},
    }
    return {"requestContext": context, **fields}


def test_connect_runs_from_its_archive(run: Run) -> None:
    """The connection is stored."""
    assert run("connect", of_connection())["result"] == {"statusCode": 200}


def test_disconnect_runs_from_its_archive(run: Run) -> None:
    """The connection is forgotten."""
    assert run("disconnect", of_connection())["result"] == {"statusCode": 200}


def test_message_runs_from_its_archive(run: Run) -> None:
    """An action is found, run, and answered."""
    run("connect", of_connection())
    asked = {"action": "subscribe", "id": 1, "channels": [{"channel": "chat:hall"}]}
    result = run("message", of_connection(body=json.dumps(asked)))["result"]
    assert (result["statusCode"], json.loads(result["body"])["id"]) == (200, 1)
    assert "error" not in json.loads(result["body"]), result


def test_fanout_runs_from_its_archive(run: Run) -> None:
    """A channel without subscribers is soon done."""
    job = {"channel": "chat:empty", "shards": [0], "payload": "{}"}
    assert run("fanout", job)["result"] == {"delivered": 0, "failed": 0, "gone": 0}


def test_authorizer_runs_from_its_archive(run: Run) -> None:
    """A token is verified, by cryptography for those of public keys."""
    event = {
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:api/dev/$connect",
        "headers": {},
        "queryStringParameters": {"token": token()},
        "requestContext": {"connectionId": "packaged="},
    }
    seen = run("authorizer", event)
    assert '"Allow"' in json.dumps(seen["result"])


def test_refresh_runs_from_its_archive(run: Run) -> None:
    """The new token is verified; what it says about the connection is an answer."""
    asked = {"action": "refresh", "id": 2, "token": token()}
    seen = run("refresh", of_connection(body=json.dumps(asked)))
    assert json.loads(seen["result"]["body"])["id"] == 2


def test_api_runs_from_its_archive(run: Run) -> None:
    """Mangum, Starlette and the application answer."""
    request = {"http": {"method": "GET", "path": "/v1/stats", "sourceIp": "127.0.0.1"}}
    event = {
        "version": "2.0",
        "rawPath": "/v1/stats",
        "rawQueryString": "channel=chat:hall",
        "headers": {"authorization": f"Bearer {API_KEY}", "host": "localhost"},
        "requestContext": {**request, "stage": "$default"},
        "isBase64Encoded": False,
    }
    assert run("api", event)["result"]["statusCode"] == 200


def test_every_function_of_the_template_is_run_here() -> None:
    """A new entry point gets an archive and a test."""

    class Template(yaml.SafeLoader):
        """Reads `!GetAtt` and its like as nothing."""

    Template.add_multi_constructor("!", lambda loader, suffix, node: None)
    text = (ROOT / "serverless.yml").read_text(encoding="utf-8")
    template = yaml.load(text, Template)  # noqa: S506 - a loader that is safe
    default = template["package"]["artifact"]
    assert {
        name: Path(function.get("package", {}).get("artifact", default)).stem
        for name, function in template["functions"].items()
    } == ARCHIVES
