"""Signatures of `@connections` and of `$connect` with AWS_IAM, made by botocore itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
import pytest
from aiobotocore.session import get_session
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from msgspec import structs
from websockets.exceptions import InvalidStatus

if TYPE_CHECKING:
    from gatepost.gateway.core.deployment import Deployment
    from tests.conformance.conftest import Management, RunningGateway, StartGateway

Manage = Callable[..., "Management"]
RIGHT = ("testing", "testing")


def by_iam(deployment: "Deployment") -> "Deployment":
    """Ask for AWS_IAM at `$connect`."""
    (one,) = deployment.apis
    connect = structs.replace(one.routes["$connect"], authorization="AWS_IAM")
    routes = {**one.routes, "$connect": connect}
    return structs.replace(deployment, apis=(structs.replace(one, routes=routes),))


@pytest.fixture
async def verifying(start: "StartGateway") -> "RunningGateway":
    """A gateway that verifies signatures, its clock right."""
    gateway = await start(change=by_iam, verify_signatures=True, denied_access_keys=("denied",),
                          credentials={"testing": "testing", "denied": "denied"})  # fmt: skip
    gateway.now = time.time()
    return gateway


def signed_upgrade(
    gateway: "RunningGateway",
    key: tuple[str, str],
    *,
    token: str | None = None,
    presigned: bool = False,
) -> tuple[str, dict[str, str]]:
    """Path with query, and headers, of an upgrade that botocore has signed."""
    url = f"http://{gateway.authority}/dev"
    request = AWSRequest("GET", url + "?room=bl%C3%BC%20e&a=%2B")
    signer = SigV4QueryAuth if presigned else SigV4Auth
    signer(Credentials(*key, token=token), "execute-api", "us-east-1").add_auth(request)
    return str(request.url).removeprefix(f"http://{gateway.authority}"), dict(
        request.headers.items()
    )


async def connected(gateway: "RunningGateway", key: tuple[str, str], **how: Any) -> int:  # noqa: ANN401
    """Connect with a signature; 101 or the status of the refusal."""
    path, headers = signed_upgrade(gateway, key, **how)
    try:
        async with gateway.connect(path, additional_headers=headers) as client:
            await client.send('{"action": "id"}')
            await client.recv()
    except InvalidStatus as refused:
        return refused.response.status_code
    return 101


@pytest.mark.parametrize("presigned", [False, True])
@pytest.mark.parametrize("token", [None, "to+ken/="])
async def test_a_signed_upgrade_connects(
    verifying: "RunningGateway",
    token: str | None,
    presigned: bool,  # noqa: FBT001
) -> None:
    """B-085, B-107: by headers or by query; the event names the caller."""
    assert await connected(verifying, RIGHT, token=token, presigned=presigned) == 101
    identity = verifying.events[0]["requestContext"]["identity"]
    assert identity["accessKey"] == "testing"
    assert identity["accountId"] == "123456789012"
    assert identity["userArn"] == "arn:aws:iam::123456789012:user/testing"


@pytest.mark.parametrize("presigned", [False, True])
@pytest.mark.parametrize("key", [("testing", "wrong"), ("unknown", "x"), ("denied", "denied")])
async def test_another_signature_does_not_connect(
    verifying: "RunningGateway",
    key: tuple[str, str],
    presigned: bool,  # noqa: FBT001
) -> None:
    """B-085: a wrong secret, an unknown key, a key without permission: 403, no invocation."""
    assert await connected(verifying, key, presigned=presigned) == 403
    assert verifying.events == []


async def test_an_unsigned_upgrade_does_not_connect(verifying: "RunningGateway") -> None:
    """B-085: 403."""
    with pytest.raises(InvalidStatus) as refused:
        await verifying.connect()
    assert refused.value.response.status_code == 403
    assert verifying.events == []


async def test_a_presigned_url_expires(verifying: "RunningGateway") -> None:
    """B-085: botocore's holds for an hour."""
    path, _ = signed_upgrade(verifying, RIGHT, presigned=True)
    verifying.now += 3500
    await (await verifying.connect(path)).close()
    verifying.now += 200
    with pytest.raises(InvalidStatus):
        await verifying.connect(path)


async def test_without_the_switch_nothing_is_verified(
    start: "StartGateway", manage: Manage
) -> None:
    """B-085, B-201: local development needs no keys."""
    gateway = await start(change=by_iam)
    async with gateway.connect() as client:
        await client.send('{"action": "id"}')
        connection_id = str(await client.recv())
        status, _ = await gateway.request("POST", f"/dev/@connections/{connection_id}", b"x")
        assert (status, await client.recv()) == (200, "x")


@pytest.fixture
async def opened(verifying: "RunningGateway") -> AsyncIterator[tuple[Any, str]]:
    """An open connection of the verifying gateway, and its id."""
    path, headers = signed_upgrade(verifying, RIGHT)
    async with verifying.connect(path, additional_headers=headers) as client:
        await client.send('{"action": "id"}')
        yield client, str(await client.recv())


async def posted(
    gateway: "RunningGateway", connection_id: str, key: tuple[str, str], **more: str
) -> str:
    """Post through boto3 with a key; an empty string, or the code of the error."""
    region = more.pop("region_name", "us-east-1")
    session = boto3.Session(*key, region_name=region, **more)  # type: ignore[arg-type] # the test's own
    client = session.client(
        "apigatewaymanagementapi",
        endpoint_url=gateway.endpoint,
        config=Config(retries={"total_max_attempts": 1}),
    )
    try:
        await asyncio.to_thread(
            client.post_to_connection, ConnectionId=connection_id, Data="grüß dich".encode()
        )
    except ClientError as error:
        told, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        return f"{status} {told['Code']}: {told['Message']}"
    finally:
        client.close()
    return ""


@pytest.mark.parametrize("more", [{}, {"aws_session_token": "to+ken/="}])
async def test_a_signed_call_is_answered(
    verifying: "RunningGateway", opened: tuple[Any, str], more: dict[str, str]
) -> None:
    """B-201, B-332: the id's `=` is encoded twice in what is signed."""
    client, connection_id = opened
    assert await posted(verifying, connection_id, RIGHT, **more) == ""
    assert await client.recv() == "grüß dich"


@pytest.mark.parametrize(
    ("key", "region", "error"),
    [
        (RIGHT, "eu-west-1", "403 InvalidSignatureException: Credential should be scoped"),
        (("testing", "wrong"), "us-east-1", "403 InvalidSignatureException: The request signature"),
        (("unknown", "x"), "us-east-1", "403 UnrecognizedClientException: The security token"),
    ],
)
async def test_a_call_that_is_signed_wrongly_is_refused(
    *,
    verifying: "RunningGateway",
    opened: tuple[Any, str],
    key: tuple[str, str],
    region: str,
    error: str,
) -> None:
    """B-201: 403, and boto3 shows what is wrong."""
    assert (await posted(verifying, opened[1], key, region_name=region)).startswith(error)


async def test_a_key_without_permission_is_told_what_it_lacks(
    verifying: "RunningGateway", opened: tuple[Any, str]
) -> None:
    """B-219, B-011, B-334: the account is masked, and the last segment is literal."""
    assert await posted(verifying, opened[1], ("denied", "denied")) == (
        "403 AccessDeniedException: User: arn:aws:iam::123456789012:user/denied is not authorized "
        "to perform: execute-api:ManageConnections on resource: arn:aws:execute-api:us-east-1:"
        "********9012:a1b2c3d4e5/dev/POST/@connections/{connectionId}"
    )


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_an_unsigned_call_is_refused(
    verifying: "RunningGateway", opened: tuple[Any, str], method: str
) -> None:
    """B-201, B-219: `Missing Authentication Token`."""
    status, answer = await verifying.request(method, f"/dev/@connections/{opened[1]}", b"")
    assert status == 403
    assert b"x-amzn-ErrorType: MissingAuthenticationTokenException" in answer
    assert answer.endswith(b'{"message":"Missing Authentication Token"}')


async def test_a_clock_that_is_off_by_more_than_five_minutes_is_refused(
    verifying: "RunningGateway", opened: tuple[Any, str]
) -> None:
    """B-201: the error tells of the time."""
    verifying.now += 400
    error = await posted(verifying, opened[1], RIGHT)
    assert error.startswith("403 InvalidSignatureException: Signature expired")


async def test_aiobotocore_signs_as_boto3_does(
    verifying: "RunningGateway", opened: tuple[Any, str]
) -> None:
    """B-201: GET and DELETE too."""
    async with get_session().create_client(
        "apigatewaymanagementapi",
        endpoint_url=verifying.endpoint,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    ) as client:
        answer = await client.get_connection(ConnectionId=opened[1])
        assert answer["Identity"]["SourceIp"] == "127.0.0.1"
        await client.delete_connection(ConnectionId=opened[1])


async def test_a_host_that_is_rewritten_on_the_way_spoils_the_signature(
    verifying: "RunningGateway", opened: tuple[Any, str]
) -> None:
    """B-329: behind another proxy the host that was signed is not the one that arrives."""
    path = f"/dev/@connections/{quote(opened[1])}"
    for signed_for, error in [(verifying.authority, b""), ("public.example.com", b"Signature")]:
        request = AWSRequest("GET", f"http://{signed_for}{path}")
        SigV4Auth(Credentials(*RIGHT), "execute-api", "us-east-1").add_auth(request)
        headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        status, answer = await verifying.request("GET", path, headers=headers)
        assert status == (403 if error else 200)
        assert error in answer
