"""One connection that speaks the wire protocol (docs/reference/protocol.md), to see what is wrong.

Everything that goes another way than it should is StepFailed: what was expected, what came. No
text holds an address's query or a token.
"""

import os
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, ProxyError, WebSocketException

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

T = TypeVar("T")

SHOWN_MAX: Final = 300
"""Characters shown of what the other side says."""

REFUSALS: Final = {
    401: "the authorizer refuses: is a token given, and right? Its function's log says why",
    403: "no such stage, a default endpoint that is switched off, or a user who may not",
    404: "nothing is served at this path",
    410: "nothing is served here any more",
    426: "something answers that is no WebSocket API",
    429: "throttled, or out of connections: see the stage's limits and the account's quotas",
    500: "$connect or its authorizer failed: their functions' logs say why",
    502: "$connect or its authorizer failed: their functions' logs say why",
    503: "no answer from the functions in time",
}


class StepFailed(Exception):  # noqa: N818 - named for what happened
    """A step went another way: what was expected, and what came instead."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")


class Refused(StepFailed):
    """The handshake was answered with another `status` than 101."""

    def __init__(self, status: int) -> None:
        super().__init__("101", f"{status}: {REFUSALS.get(status, 'the gateway refuses')}")
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is tried. `url` holds the stage; `trust` is None for ws."""

    url: str
    channel: str
    token: str | None = None
    trust: ssl.SSLContext | None = None
    timeout_s: float = 10.0

    @property
    def shown(self) -> str:
        """Give the address without what may be a secret: its query, and a user before its host."""
        scheme, host, path, _, _ = urlsplit(self.url)
        return urlunsplit((scheme, host.rpartition("@")[2], path, "", ""))

    def address(self, *, with_token: bool) -> str:
        """Give the address to connect to; without token nothing of its query goes along."""
        if not with_token:
            return self.shown
        if self.token is None:
            return self.url
        joint = "&" if urlsplit(self.url).query else "?"
        return self.url + joint + urlencode({"token": self.token})


class Error(msgspec.Struct, frozen=True):
    """What a reply says is wrong."""

    code: int = 0
    message: str = ""


class Message(msgspec.Struct, frozen=True):
    """Whatever comes, as far as it is looked at. Without `type` it is the gateway's own."""

    type: str = ""
    id: int | str | None = None
    ok: bool = False
    result: dict[str, Any] | None = None
    error: Error = Error()
    channel: str = ""
    data: Any = None
    epoch: str | None = None
    offset: int | None = None
    code: int = 0
    message: str = ""
    request_id: str = msgspec.field(default="unknown", name="requestId")


@dataclass(slots=True)
class Waiting:
    """What is being waited for now, should time run out. The connections of a trial share one."""

    expected: str = "an answer to the handshake"


class Talker:
    """An open connection."""

    def __init__(self, link: "ClientConnection", waiting: Waiting) -> None:
        self._link = link
        self._waiting = waiting
        self._asked = 0
        self._held: list[Message] = []

    async def ask(self, action: str, result: type[T], **fields: object) -> T:
        """Send a request; give its reply's result.

        Raises StepFailed for an error, for a result of another form, and as receive does.
        """
        reply = await self.reply(action, **fields)
        if not reply.ok:
            raise StepFailed(f"`{action}` to succeed", described(reply.error))
        try:
            return msgspec.convert(reply.result or {}, result)
        except msgspec.ValidationError as error:
            raise StepFailed(f"a result of `{action}`", f"another form: {error}") from None

    async def reply(self, action: str, **fields: object) -> Message:
        """Send a request; give its reply, whatever it says. What comes before it is held."""
        self._asked += 1
        self._waiting.expected = f"a reply to `{action}`"
        request = {"action": action, "id": self._asked, **fields}
        try:
            await self._link.send(msgspec.json.encode(request).decode())
        except ConnectionClosed as error:
            raise self._closed(error) from None
        while True:
            message = await self.receive()
            if message.type == "reply" and message.id == self._asked:
                return message
            self._held.append(message)

    async def publication(self, channel: str, data: object) -> Message:
        """Wait for the publication that holds `data`; others are dropped."""
        self._waiting.expected = f"the publication in {channel}"
        while True:
            message = self._held.pop(0) if self._held else await self.receive()
            found = (message.type, message.channel, message.data)
            if found == ("publication", channel, data):
                return message

    async def receive(self) -> Message:
        """Give the next message of the protocol.

        Raises StepFailed for one that announces the end, and for a frame of the gateway's own.
        """
        expected = self._waiting.expected
        try:
            message = msgspec.json.decode(await self._link.recv(), type=Message)
        except ConnectionClosed as error:
            raise self._closed(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StepFailed(expected, f"a frame of another form: {error}") from None
        said = printable(message.message)
        if not message.type:
            raise StepFailed(
                expected,
                f"{said!r} of the gateway itself (request {printable(message.request_id)}): the "
                "function failed or ran out of time, its log says why",
            )
        if message.type == "closing":
            raise StepFailed(expected, f"closing: {message.code} {said}")
        return message

    async def close(self) -> int:
        """Close, and wait until the gateway has answered; give its close code."""
        self._waiting.expected = "the gateway's close frame"
        await self._link.close()
        return self._link.close_code or 1006

    def abort(self) -> None:
        """Drop the connection, without a word, if it is still there."""
        self._link.transport.abort()

    def _closed(self, error: ConnectionClosed) -> StepFailed:
        if error.rcvd is None:
            got = "the end of the connection without a close frame"
        else:
            got = f"a close: {error.rcvd.code} {printable(error.rcvd.reason)}"
        return StepFailed(self._waiting.expected, got)


async def open_talker(target: Target, waiting: Waiting, *, with_token: bool = True) -> Talker:
    """Connect. Raises Refused for another answer than 101, and StepFailed when there is none."""
    waiting.expected = "an answer to the handshake"
    try:
        link = await connect(
            target.address(with_token=with_token),
            ssl=target.trust,
            ping_interval=None,
            open_timeout=None,
            close_timeout=target.timeout_s,
        )
    except InvalidStatus as error:
        raise Refused(error.response.status_code) from None
    except ssl.SSLCertVerificationError as error:
        got = f"{error.verify_message}; --ca-bundle names a file with the issuer's"
        raise StepFailed("a certificate that is trusted", got) from None
    except ssl.SSLError as error:
        raise StepFailed("a TLS connection", error.reason or "none") from None
    except ProxyError:
        raise StepFailed("a way through the proxy", "its refusal") from None
    except WebSocketException as error:
        raise StepFailed("a WebSocket handshake", type(error).__name__) from None
    except socket.gaierror:
        raise StepFailed("a server", "no address for this host") from None
    except OSError as error:
        got = os.strerror(error.errno) if error.errno else str(error)
        raise StepFailed("a server", got) from None
    return Talker(link, waiting)


async def status_without_token(target: Target, waiting: Waiting) -> int:
    """Give the status that a handshake is answered with; 101 is closed again at once."""
    try:
        talker = await open_talker(target, waiting, with_token=False)
    except Refused as refused:
        return refused.status
    await talker.close()
    return 101


def described(error: Error) -> str:
    """Give a reply's error as text."""
    return f"error {error.code} {printable(error.message)}"


def printable(text: str) -> str:
    """Give what somebody else says as text that does nothing to a terminal."""
    shown = "".join(each if each.isprintable() else "?" for each in text)
    return shown if len(shown) <= SHOWN_MAX else f"{shown[:SHOWN_MAX]}..."
