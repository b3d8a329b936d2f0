"""From a request's text to a reply's: decode, find the action, run it, encode.

Every request gets a reply. Not here: the actions (registry.py lists them) and the protocol's form
(core/protocol.py).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from functions.core import connections, protocol
from functions.core.context import Context
from functions.core.errors import (
    BAD_REQUEST,
    INTERNAL,
    UNKNOWN_ACTION,
    ClosingKind,
    ProtocolError,
)
from functions.core.ports import Conflict

logger = logging.getLogger(__name__)

Fields = TypeVar("Fields")


class Action(Struct, Generic[Fields], frozen=True):
    """What handles one value of `action`: the type of its fields, and the function.

    What the function returns becomes the reply's `result`, None leaves that out; a ProtocolError
    that it raises becomes the reply's `error`.
    """

    fields: type[Fields]
    run: Callable[[Context, Fields], Awaitable[object]]


Actions: TypeAlias = Mapping[str, Action[Any]]


class Connection(Protocol):
    """What answering needs of the connection that asks."""

    async def context(self) -> Context:
        """Give an action its surroundings; may raise ProtocolError."""
        ...

    async def end(self, kind: ClosingKind) -> None:
        """End the connection."""
        ...


async def respond(body: str, actions: Actions, connection: Connection) -> str:
    """Answer one request; give the text of the reply, which is never empty.

    A ProtocolError that closes ends the connection too; a conflict is error 111. Any other
    exception is a fault of ours: it is logged with its traceback, and the client gets error 100
    with its request's id rather than the gateway's frame, which it could not match (B-180).
    """
    try:
        data = body.encode()
    except UnicodeEncodeError:  # passed on, it would break the links of those who receive it
        error = ProtocolError(BAD_REQUEST, "bad request: not JSON: it holds a lone surrogate")
        return protocol.encode_error(None, error)
    try:
        return await _answer(data, actions, connection)
    except ProtocolError as error:
        if error.closing is not None:
            await _end(connection, error.closing)
        return protocol.encode_error(protocol.request_id(data), error)
    except Conflict:
        return protocol.encode_error(protocol.request_id(data), connections.conflict())
    except Exception:
        # Lambda's own metric counts no failure, as a reply goes back.
        logger.exception("action failed", extra={"metrics": {"ActionsFailed": 1}})
        return protocol.encode_error(protocol.request_id(data), ProtocolError(INTERNAL))


async def _end(connection: Connection, kind: ClosingKind) -> None:
    try:
        await connection.end(kind)
    except Exception:
        logger.exception("closing failed code=%d", kind.code)


async def _answer(data: bytes, actions: Actions, connection: Connection) -> str:
    request = protocol.decode_request(data)
    action = actions.get(request.action)
    if action is None:
        raise ProtocolError(UNKNOWN_ACTION, f"action: there is no {request.action[:64]!r}")
    fields = protocol.decode_fields(data, action.fields)
    result = await action.run(await connection.context(), fields)
    return protocol.encode_result(request.id, result)
