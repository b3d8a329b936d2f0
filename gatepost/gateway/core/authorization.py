"""Who may connect: what the answer of a Lambda authorizer means (section 4)."""

from typing import Final, NamedTuple

from msgspec import DecodeError, Struct
from msgspec import json as msgspec_json
from msgspec.json import Decoder

from gatepost.gateway.core.inputs import Failed, NotInvocable, Outcome, Returned
from gatepost.gateway.core.policies import INVOKE, Policy

UNAUTHORIZED: Final = "Unauthorized"
"""The error message by which an authorizer asks for a 401 (B-079)."""


class Grant(NamedTuple):
    """What an authorizer said about a client: `context` is for events, `usage_key` an API key."""

    context: dict[str, str]
    allowed: bool
    usage_key: str | None = None


class AuthorizerFailedError(Exception):
    """The authorizer gave no answer that counts: 401 if `unauthorized`, else 500 (B-080)."""

    def __init__(self, message: str, *, unauthorized: bool = False) -> None:
        super().__init__(message)
        self.unauthorized = unauthorized


class _Answer(Struct, frozen=True, rename="camel"):
    principal_id: str
    policy_document: Policy
    context: dict[str, str | bool | int | float] | None = None
    usage_identifier_key: str | None = None


_decoder: Final[Decoder[_Answer]] = Decoder(_Answer)


def read_grant(outcome: Outcome, *, resource: str, bytes_max: int) -> Grant:
    """Read what an authorizer returned about access to `resource`, the ARN of the route.

    Values of the context become strings (B-083). Raises AuthorizerFailedError for a function that
    failed, and for a result that is malformed or longer than `bytes_max` (B-076, B-080).
    """
    answer = _decode(_payload(outcome), bytes_max)
    if (problem := answer.policy_document.problem()) is not None:
        raise AuthorizerFailedError(f"policyDocument: {problem}")
    context = {name: _text(value) for name, value in (answer.context or {}).items()}
    return Grant(
        context={**context, "principalId": answer.principal_id},
        allowed=answer.policy_document.allows(INVOKE, resource),
        usage_key=answer.usage_identifier_key,
    )


def _payload(outcome: Outcome) -> bytes:
    match outcome:
        case Returned(payload=payload):
            return payload
        case Failed(message=message) if message == UNAUTHORIZED:
            raise AuthorizerFailedError(message, unauthorized=True)
        case Failed(error_type=error_type, message=message):
            raise AuthorizerFailedError(f"{error_type}: {message}")
        case NotInvocable(message=message):
            raise AuthorizerFailedError(message)
        case _:
            raise AuthorizerFailedError("an authorizer is a function")


def _decode(payload: bytes, bytes_max: int) -> _Answer:
    if len(payload) > bytes_max:
        raise AuthorizerFailedError(f"result has {len(payload)} bytes, at most {bytes_max} count")
    try:
        return _decoder.decode(payload)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AuthorizerFailedError(f"malformed result: {error}") from error


def _text(value: str | float) -> str:
    """Write a value of the context as the string that it becomes (B-083)."""
    return value if isinstance(value, str) else msgspec_json.encode(value).decode()
