"""How long a cold start takes: import and first response of each entry point, from its archive.

Beside each other: the archive as it is deployed, the same without bytecode, and the same handler
written with plain boto3. The table is dynoxide behind TLS, and the roots that are read to verify it
are all of botocore's and one more, as in Lambda; the gateway is not called.
"""

import asyncio
import hashlib
import json
import os
import platform
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import botocore
import trustme

from benchmarks.results import keep
from benchmarks.systems import ROOT, dynamodb
from gatepost.emulator.tables import create_tables
from gatepost.gateway.template.reader import read_template
from infra.packaging.bytecode import compile_in_place
from infra.packaging.interpreter import find_interpreter
from infra.packaging.target import read_target

ENVIRONMENT = Path(__file__).with_name("cold_environment.py")
PEERS = Path(__file__).with_name("cold_peers")
ROUNDS = 5
ARCHITECTURES = {"aarch64": "arm64", "x86_64": "x86_64"}
BOTO3 = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")
"""Boto3 with all that it needs, as Lambda has it beside the runtime."""

API_KEY = "a-key"
SECRET = "a secret of thirty-two characters or so"
METHOD = (
    f"medians of {ROUNDS} interleaved rounds, each start a fresh process of the runtime's Python; "
    "milliseconds of import, first response, both (total), processor time of both, and a second "
    "response; table behind TLS on loopback; ratios: total, and processor time, against those of "
    "aiobotocore imported without bytecode"
)
REFERENCE = "aiobotocore, imported, no bytecode"
PING = json.dumps({"action": "ping", "id": 1})


@dataclass(frozen=True, slots=True)
class Start:
    """One way to start: a folder with the code, a handler in it, an event."""

    folder: str
    handler: str
    event: Mapping[str, object]
    variables: Mapping[str, str]


def of_connection(**fields: object) -> dict[str, object]:
    """Make an event of a connection whom the authorizer vouches for."""
    context = {
        "connectionId": "cold=",
        "connectedAt": 4_000_000_000_000,
        "authorizer": {"identity": json.dumps({"user": "ann"})},
    }
    return {"requestContext": context, **fields}


def events() -> dict[str, Mapping[str, object]]:
    """Make an event for each entry point."""
    import jwt  # noqa: PLC0415 - this one event needs it

    token = jwt.encode({"sub": "ann", "exp": 4_000_000_000}, SECRET, "HS256")
    refresh = json.dumps({"action": "refresh", "id": 1, "token": token})
    return {
        "connect": of_connection(),
        "message": of_connection(body=PING),
        "fanout": {"channel": "chat:empty", "shards": [0], "payload": "{}"},
        "authorizer": {
            "methodArn": "arn:aws:execute-api:us-east-1:123456789012:api/dev/$connect",
            "headers": {},
            "queryStringParameters": {"token": token},
            "requestContext": {"connectionId": "cold="},
        },
        "refresh": of_connection(body=refresh),
        "disconnect": of_connection(),  # after those who need the connection
        "api": {
            "version": "2.0",
            "rawPath": "/v1/stats",
            "rawQueryString": "channel=chat:hall",
            "headers": {"authorization": f"Bearer {API_KEY}", "host": "localhost"},
            "requestContext": {
                "http": {"method": "GET", "path": "/v1/stats", "sourceIp": "127.0.0.1"},
                "stage": "$default",
            },
            "isBase64Encoded": False,
        },
    }


def starts() -> dict[str, Start]:
    """Give all that is measured, by the names of its rows."""
    found = {REFERENCE: Start("functions, no bytecode", "importing.aiobotocore", {}, {})}
    found["aiobotocore, imported"] = Start("functions", "importing.aiobotocore", {}, {})
    for name, event in events().items():
        archive = "tokens" if name in {"authorizer", "refresh", "api"} else "functions"
        handler = f"functions/{name}.handler"
        found[name] = Start(archive, handler, event, {})
        found[f"{name}, no bytecode"] = Start(f"{archive}, no bytecode", handler, event, {})
        if name in {"connect", "message", "disconnect"}:
            peer = json.loads(json.dumps(event).replace("cold=", "boto3="))  # rows of its own
            found[f"{name} by boto3"] = Start("boto3", f"boto3_handlers.{name}", peer, {})
    # Any value of this variable leaves the table to botocore (functions/adapters/credentials).
    by_botocore = {"AWS_USE_DUALSTACK_ENDPOINT": "false"}
    connect = found["connect"]
    found["connect by aiobotocore"] = Start(
        connect.folder, connect.handler, connect.event, by_botocore
    )
    return found


async def main() -> None:
    """Build the archives, start everything in turn, print and keep the medians."""
    python = read_target(ROOT / "serverless.yml", runtime=None, architecture=None).python
    interpreter = find_interpreter(python, os.environ)
    measured: dict[str, list[dict[str, float]]] = {}
    async with AsyncExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        await asyncio.to_thread(prepare_folders, work, interpreter)
        print("the archives are built", flush=True)
        variables = await stack.enter_async_context(table(work))
        for number in range(ROUNDS + 1):
            print(f"round {number} of {ROUNDS}", flush=True)
            for name, start in starts().items():
                figures = await asyncio.to_thread(measure, start, work, interpreter, variables)
                if number:  # the first round warms the file system's cache
                    measured.setdefault(name, []).append(figures)
    rows = {name: _row(figures) for name, figures in measured.items()}
    reference = dict(rows[REFERENCE])
    for row in rows.values():
        for kind in ("total", "cpu"):
            row[f"{kind}_ratio"] = round(row[f"{kind}_ms"] / reference[f"{kind}_ms"], 3)
    keep("cold_start", METHOD, rows, runtime=python)


def prepare_folders(work: Path, interpreter: Path) -> None:
    """Build and unpack both archives, with bytecode and without, and boto3 beside its handlers."""
    architecture = ARCHITECTURES[platform.machine()]
    for suffix, options in {"": [], ", no bytecode": ["--no-bytecode"]}.items():
        out = work / f"built{suffix}"
        command = [sys.executable, "-m", "infra.package", "--architecture", architecture]
        subprocess.run([*command, *options, "--out", out], cwd=ROOT, check=True)
        for artifact in ("functions", "tokens"):
            folder = work / f"{artifact}{suffix}"
            with zipfile.ZipFile(out / f"{artifact}.zip") as opened:
                opened.extractall(folder)
            shutil.copy(PEERS / "importing.py", folder)
    installed = Path(boto3.__file__).parent.parent
    (work / "boto3").mkdir()
    for name in BOTO3:
        if (installed / name).is_dir():
            shutil.copytree(installed / name, work / "boto3" / name)
        else:
            shutil.copy(installed / name, work / "boto3")
    shutil.copy(PEERS / "boto3_handlers.py", work / "boto3")
    compile_in_place(work / "boto3", interpreter)


def measure(
    start: Start, work: Path, interpreter: Path, variables: Mapping[str, str]
) -> dict[str, float]:
    """Start once; give the figures."""
    script, folder = str(ENVIRONMENT), str(work / start.folder)
    command = [str(interpreter), "-I", "-S", "-B", script, folder, start.handler]
    ran = subprocess.run(
        command,
        input=json.dumps(start.event),
        env={**variables, **start.variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        sys.exit(f"{start.handler} in {start.folder} failed:\n{ran.stderr}")
    seen = json.loads(ran.stdout)
    if "errorMessage" in str(seen["result"]) or '"error"' in str(seen["result"]):
        sys.exit(f"{start.handler} answered {seen['result']}")
    return {name: seen[name] for name in seen if name.endswith("_ms")}


@asynccontextmanager
async def table(work: Path) -> AsyncIterator[dict[str, str]]:
    """Keep a table behind TLS; give the variables by which functions find it."""
    (rows,) = read_template(ROOT / "serverless.yml", stage="dev", environ={}).tables
    authority = trustme.CA()
    roots = (Path(botocore.__file__).parent / "cacert.pem").read_bytes()
    (work / "roots.pem").write_bytes(roots + authority.cert_pem.bytes())
    variables = {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_SESSION_TOKEN": "benchmark",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_CA_BUNDLE": str(work / "roots.pem"),
        "AWS_ENDPOINT_URL_LAMBDA": "https://127.0.0.1:9",
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": "https://127.0.0.1:9/dev",
        "TABLE_NAME": rows.name,
        "JWT_SECRET": SECRET,
        "API_KEYS": hashlib.sha256(API_KEY.encode()).hexdigest(),
    }
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with dynamodb("dynoxide") as endpoint:
        await create_tables([rows], endpoint, "us-east-1")
        async with encrypted(endpoint, context) as url:
            yield {**variables, "AWS_ENDPOINT_URL_DYNAMODB": url}


@asynccontextmanager
async def encrypted(endpoint: str, context: ssl.SSLContext) -> AsyncIterator[str]:
    """Speak TLS before an endpoint without it; give the URL."""
    behind = urlsplit(endpoint)

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection(behind.hostname, behind.port)
        await asyncio.gather(forward(reader, behind_writer), forward(behind_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


def _row(measured: list[dict[str, float]]) -> dict[str, float]:
    return {
        name: round(statistics.median(each[name] for each in measured), 1) for name in measured[0]
    }
