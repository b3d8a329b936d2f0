"""Signatures and API keys, as the gateway asks for them."""

import json
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.commands import Answer, Invoke, Refuse
from gatepost.gateway.core.deployment import ApiKey, Authorizer, LambdaProxy, Route
from gatepost.gateway.core.inputs import ManagementCall
from gatepost.gateway.core.settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gatepost.gateway.core.conftest import Dialogue

VERIFYING = GatewaySettings(verify_signatures=True)
BY_IAM = Route("$connect", LambdaProxy("connect"), authorization="AWS_IAM")
SCOPE = "20260305/us-east-1/execute-api/aws4_request"
SIGNATURE = f"Credential=AKID/{SCOPE}, SignedHeaders=host, Signature=00"
CLAIM = ("Authorization", f"AWS4-HMAC-SHA256 {SIGNATURE}")


def call(dialogue: "Dialogue", method: str = "POST", body: bytes = b"") -> Answer:
    """Call `@connections` without a signature."""
    path = "/dev/@connections/L0SM9cOFvHcCIhw%3D"
    dialogue.say(ManagementCall(1, method, path, body, headers=((b"Host", b"\xff"),)))
    return dialogue.one(Answer)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_an_unsigned_call_is_refused_when_signatures_are_verified(
    talk: "Callable[..., Dialogue]", method: str
) -> None:
    """B-201, B-219: before anything is said about the connection."""
    answer = call(talk(settings=VERIFYING), method)
    assert answer.status == 403
    assert ("x-amzn-ErrorType", "MissingAuthenticationTokenException") in answer.headers
    assert answer.body == b'{"message":"Missing Authentication Token"}'


def test_a_body_that_was_cut_is_not_held_against_its_signature(
    talk: "Callable[..., Dialogue]",
) -> None:
    """The refusal is then about the rest: here, that there is no such connection."""
    answer = call(talk(settings=VERIFYING), body=b"x" * 131_073)
    assert b"Authentication" not in answer.body


def test_without_the_switch_nothing_need_be_signed(talk: "Callable[..., Dialogue]") -> None:
    """Neither a call nor an upgrade with AWS_IAM."""
    dialogue = talk(BY_IAM)
    assert call(dialogue).body == b'{"message":"Forbidden"}'
    dialogue.upgrade()
    assert set(dialogue.event()["requestContext"]["identity"]) == {"sourceIp"}


def test_iam_adds_the_caller_to_the_identity(talk: "Callable[..., Dialogue]") -> None:
    """B-107: whether the signature is verified or only read."""
    dialogue = talk(BY_IAM)
    dialogue.upgrade(headers=(CLAIM,))
    assert dialogue.event()["requestContext"]["identity"] == {
        "sourceIp": "192.0.2.10",
        "accessKey": "AKID",
        "accountId": "000000000000",
        "caller": "AKID",
        "user": "AKID",
        "userArn": "arn:aws:iam::000000000000:user/AKID",
    }


def test_the_caller_is_told_to_functions_alone(talk: "Callable[..., Dialogue]") -> None:
    """B-210: GET has the identity of the service model, without the caller's fields."""
    dialogue = talk(BY_IAM)
    connection_id = dialogue.connect(headers=(CLAIM,))
    dialogue.say(ManagementCall(1, "GET", f"/dev/@connections/{connection_id}"))
    assert json.loads(dialogue.one(Answer).body)["identity"] == {"sourceIp": "192.0.2.10"}


def test_an_upgrade_with_a_wrong_signature_is_refused(talk: "Callable[..., Dialogue]") -> None:
    """B-085: 403, and no function is asked."""
    dialogue = talk(BY_IAM, settings=VERIFYING)
    dialogue.upgrade(headers=(CLAIM,))
    assert dialogue.one(Refuse).status == 403
    assert not dialogue.all(Invoke)


def keyed(talk: "Callable[..., Dialogue]", source: str, **route: object) -> "Dialogue":
    """A dialogue with an API of two keys."""
    connect = Route("$connect", LambdaProxy("connect"), api_key_required=True, **route)  # type: ignore[arg-type] # the test's own names
    keys = (ApiKey("one", "k1"), ApiKey("two", "k2"))
    return talk(connect, api_keys=keys, api_key_selection_expression=source)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((("X-API-Key", "k2"),), None),
        ((("x-api-key", "k3"),), 403),
        ((("x-api-key", ""),), 403),
        ((), 403),
    ],
)
def test_an_api_key_is_read_from_a_header(
    talk: "Callable[..., Dialogue]", headers: tuple[tuple[str, str], ...], status: int | None
) -> None:
    """B-086: missing or wrong is 403."""
    dialogue = keyed(talk, "$request.header.x-api-key")
    dialogue.upgrade(headers=headers)
    if status is None:
        assert dialogue.one(Invoke).function == "connect"
    else:
        assert dialogue.one(Refuse).status == status
        assert not dialogue.all(Invoke)


@pytest.mark.parametrize(("usage_key", "right"), [("k1", True), ("k3", False), (None, False)])
def test_an_api_key_may_be_named_by_the_authorizer(
    talk: "Callable[..., Dialogue]",
    usage_key: str | None,
    right: bool,  # noqa: FBT001
) -> None:
    """B-086: a header does not count then."""
    authorizer = Authorizer("auth", "authorize")
    dialogue = keyed(talk, "$context.authorizer.usageIdentifierKey", authorization=authorizer)
    dialogue.upgrade(headers=(("x-api-key", "k1"),))
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    answer = {"principalId": "u", "policyDocument": {"Statement": statement}}
    dialogue.finish(dialogue.one(Invoke).invocation_id, {**answer, "usageIdentifierKey": usage_key})
    assert bool(dialogue.all(Invoke)) is right
    if not right:
        assert json.loads(dialogue.one(Refuse).body)["message"] == "Forbidden"


def test_only_connect_can_be_authorized(talk: "Callable[..., Dialogue]") -> None:
    """B-070: AWS refuses to deploy anything else."""
    with pytest.raises(ValueError, match="notify can't be authorized, only"):
        talk(Route("notify", LambdaProxy("notify"), authorization=Authorizer("a", "authorize")))


@pytest.mark.parametrize("source", ["", "$request.body.key", "$context.authorizer.other"])
def test_an_api_key_is_nowhere_else(talk: "Callable[..., Dialogue]", source: str) -> None:
    """B-086: or nobody would ever be let in, and nobody would know why."""
    with pytest.raises(ValueError, match=r"use \$request\.header\.x-api-key"):
        talk(api_key_selection_expression=source)
