"""What the answers of authorizers mean."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.authorization import AuthorizerFailedError, Grant, read_grant
from gatepost.gateway.core.inputs import Failed, HttpAnswered, NotInvocable, Outcome, Returned

ARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/$connect"


def answer(**changes: object) -> dict[str, object]:
    """An answer that allows."""
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ARN}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "u-1", "policyDocument": document, **changes}


def read(result: object, bytes_max: int = 8192) -> Grant:
    """Read what an authorizer returned."""
    outcome = result if isinstance(result, Outcome) else Returned(json.dumps(result).encode())
    return read_grant(outcome, resource=ARN, bytes_max=bytes_max)


def test_the_context_is_of_strings_beside_the_principal() -> None:
    """B-076, B-082, B-083: numbers and booleans as JSON writes them."""
    context = {"s": "ü", "i": 1, "f": 1.5, "t": True, "n": -3, "principalId": "forged"}
    grant = read(answer(context=context, usageIdentifierKey="key", other=[]))
    assert grant == Grant(
        {"s": "ü", "i": "1", "f": "1.5", "t": "true", "n": "-3", "principalId": "u-1"},
        allowed=True,
        usage_key="key",
    )


def test_no_context_is_none() -> None:
    """Left out or null."""
    assert read(answer()) == read(answer(context=None)) == Grant({"principalId": "u-1"}, True)  # noqa: FBT003


def test_a_policy_that_does_not_allow_is_no_failure() -> None:
    """B-078: a refusal is an answer."""
    assert not read(answer(policyDocument={"Statement": []})).allowed


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": 401},
        None,
        "Allow",
        [],
        {},
        answer(principalId=None),
        answer(principalId=7),
        answer(policyDocument="{}"),
        answer(policyDocument={"Statement": [{"Effect": "allow"}]}),
        answer(policyDocument={"Statement": [{"Effect": "Allow", "Condition": {}}]}),
        answer(context={"nested": {}}),
        answer(context={"list": ["x"]}),
        answer(context={"null": None}),
        answer(context=["x"]),
        answer(usageIdentifierKey=1),
        Returned(b"{"),
        Returned(b"\xff"),
        Failed("Error", "unauthorized"),
        Failed("Unauthorized", "x"),
        NotInvocable("no permission"),
        HttpAnswered(200),
    ],
)
def test_anything_else_is_a_failure(result: object) -> None:
    """B-080: with a message for the live log."""
    with pytest.raises(AuthorizerFailedError, match=r".") as error:
        read(result)
    assert not error.value.unauthorized


def test_the_message_unauthorized_is_a_401() -> None:
    """B-079: exactly this message, whatever the error's type."""
    with pytest.raises(AuthorizerFailedError) as error:
        read(Failed("Exception", "Unauthorized"))
    assert error.value.unauthorized


def test_a_result_has_at_most_8_kib() -> None:
    """B-076: to the byte."""
    size = len(json.dumps(answer(context={"x": ""})))
    assert read(answer(context={"x": "y" * (8192 - size)})).allowed
    with pytest.raises(AuthorizerFailedError, match="8193 bytes"):
        read(answer(context={"x": "y" * (8193 - size)}))


@given(st.binary(max_size=60))
def test_whatever_is_returned_is_read_or_a_failure(payload: bytes) -> None:
    """Nothing an authorizer does gets a client in, or the gateway down."""
    with pytest.raises(AuthorizerFailedError):
        read(Returned(payload))
