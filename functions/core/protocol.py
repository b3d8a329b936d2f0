"""The wire protocol between client and functions: text in, typed requests; typed messages out.

Not here: what a request means. docs/reference/protocol.md is the specification.
"""

from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from functions.core import limits
from functions.core.errors import BAD_REQUEST, LIMIT_EXCEEDED, ProtocolError

RequestId = (
    Annotated[int, Meta(ge=-limits.REQUEST_ID_INTEGER_MAX, le=limits.REQUEST_ID_INTEGER_MAX)]
    | Annotated[str, Meta(max_length=limits.REQUEST_ID_LENGTH_MAX)]
)
"""What a client may call a request; it comes back in the reply as it was."""

T = TypeVar("T")


class Request(Struct, frozen=True):
    """The part of a request that is the same for every action."""

    action: str
    id: RequestId | None = None


class Position(Struct, frozen=True):
    """A place in a channel's log."""

    epoch: str
    offset: Annotated[int, Meta(ge=0)]


class ErrorBody(Struct, frozen=True):
    """The error of a reply, or of one channel in it."""

    code: int
    message: str
    temporary: bool


class Reply(Struct, frozen=True, tag_field="type", tag="reply"):
    """The answer to one request: `result` when `ok`, else `error`."""

    ok: bool
    id: RequestId | UnsetType = UNSET
    result: object = UNSET
    error: ErrorBody | UnsetType = UNSET


class Sender(Struct, frozen=True):
    """Who published: a user, and the connection it was done over."""

    user: str
    connection: str


class Publication(Struct, frozen=True, tag_field="type", tag="publication"):
    """One payload published to a channel; `at` is epoch milliseconds, `data` JSON text.

    Without a sender a server published it; with a position it stands in the channel's history.
    """

    id: str
    channel: str
    data: Raw
    at: int
    sender: Sender | UnsetType = field(name="from", default=UNSET)
    epoch: str | UnsetType = UNSET
    offset: int | UnsetType = UNSET


class Join(Struct, frozen=True, tag_field="type", tag="join"):
    """A user has come into a channel: with the first connection."""

    channel: str
    sender: Sender = field(name="from")


class Leave(Struct, frozen=True, tag_field="type", tag="leave"):
    """A user has gone from a channel: with the last connection."""

    channel: str
    sender: Sender = field(name="from")


class Message(Struct, frozen=True, tag_field="type", tag="message"):
    """What a server sent to a user rather than to a channel; `at` is epoch milliseconds."""

    id: str
    data: Raw
    at: int


class Unsubscribed(Struct, frozen=True, tag_field="type", tag="unsubscribed"):
    """The server ended a subscription; `code` is an error's."""

    channel: str
    code: int
    message: str


class Closing(Struct, frozen=True, tag_field="type", tag="closing"):
    """The last message before the server ends a connection, whose end can carry no code."""

    code: int
    message: str
    reconnect: bool


class _OnlyId(Struct):
    id: RequestId | None = None


_request_decoder: Final = msgspec.json.Decoder(Request)
_id_decoder: Final = msgspec.json.Decoder(_OnlyId)
_encoder: Final = msgspec.json.Encoder()


def decode_request(data: bytes) -> Request:
    """Read what every request has.

    Raises ProtocolError: 106 when it is too long, 107 naming the field at fault.
    """
    if len(data) > limits.REQUEST_BYTES_MAX:
        raise ProtocolError(
            LIMIT_EXCEEDED,
            f"the request has {len(data)} bytes; at most {limits.REQUEST_BYTES_MAX} are taken",
        )
    return _decode(_request_decoder, data)


def decode_fields(data: bytes, fields: type[T]) -> T:
    """Read an action's own fields; raise ProtocolError 107 naming the field at fault."""
    return _decode(msgspec.json.Decoder(fields), data)


def request_id(data: bytes) -> RequestId | None:
    """Find the id of a request that is wrong elsewhere, so that its error can be matched."""
    try:
        return _id_decoder.decode(data).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def encode_result(id: RequestId | None, result: object) -> str:  # noqa: A002 - the wire's word
    """Give the text of a successful reply; `result` None leaves the field out.

    Raises ProtocolError 106 when the reply is longer than a reply may be.
    """
    text = _encoder.encode(
        Reply(ok=True, id=present(id), result=UNSET if result is None else result)
    )
    if len(text) > limits.REPLY_BYTES_MAX:
        raise ProtocolError(
            LIMIT_EXCEEDED,
            f"the result has {len(text)} bytes; a reply holds {limits.REPLY_BYTES_MAX}",
        )
    return text.decode()


def encode_error(id: RequestId | None, error: ProtocolError) -> str:  # noqa: A002 - the same
    """Give the text of a reply that says what is wrong."""
    return _encoder.encode(Reply(ok=False, id=present(id), error=error_body(error))).decode()


def error_body(error: ProtocolError) -> ErrorBody:
    """Give an error as it stands on the wire."""
    return ErrorBody(error.kind.code, error.message, error.kind.temporary)


def encode(message: Publication | Join | Leave | Message | Unsubscribed | Closing) -> bytes:
    """Give the one payload that all who are to receive a message get."""
    return _encoder.encode(message)


def present(value: T | None) -> T | UnsetType:
    """Leave a field out when there is no value for it."""
    return UNSET if value is None else value


def _decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise ProtocolError(BAD_REQUEST, f"bad request: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(BAD_REQUEST, f"bad request: not JSON: {error}") from None
    except RecursionError:
        raise ProtocolError(BAD_REQUEST, "bad request: nested too deeply") from None
