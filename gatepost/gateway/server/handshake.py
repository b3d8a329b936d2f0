"""The WebSocket handshake of RFC 6455 section 4.2: checking a request, completing it with 101."""

from typing import TYPE_CHECKING, cast

from websockets.http11 import Response
from websockets.server import ServerProtocol

from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.frames import new_protocol
from gatepost.gateway.server.http_reader import Request

if TYPE_CHECKING:
    from websockets.http11 import Request as OpeningRequest

_SWITCHING_PROTOCOLS = 101
_NEGOTIATED = frozenset(
    {
        "connection",
        "upgrade",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-extensions",
    }
)
_RETOLD = frozenset({"upgrade", "allow"})


class HandshakeRefusedError(Exception):
    """The request is no valid handshake; `status` and `headers` are those of the answer."""

    def __init__(self, status: int, message: str, headers: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class Handshake:
    """A valid handshake, held until the core has decided."""

    def __init__(self, protocol: ServerProtocol, response: Response) -> None:
        self._protocol = protocol
        self._response = response

    @classmethod
    def check(cls, request: Request, settings: GatewaySettings) -> "Handshake":
        """Hold a valid request.

        Raises HandshakeRefusedError: 405 for a method other than GET, 505 before HTTP/1.1, 426
        for another version of WebSocket (RFC 6455 section 4.4) or another protocol, 400 for a
        missing or malformed key.
        """
        _check_request_line(request)
        _check_version(request)
        protocol = new_protocol(settings)
        protocol.receive_data(_opening(request))
        (opening,) = protocol.events_received()
        response = protocol.accept(cast("OpeningRequest", opening))
        if response.status_code != _SWITCHING_PROTOCOLS:
            retold = tuple(
                (name, value)
                for name, value in response.headers.raw_items()
                if name.lower() in _RETOLD
            )
            message = (response.body or b"").decode().strip()
            raise HandshakeRefusedError(response.status_code, message, retold)
        return cls(protocol, response)

    def complete(self, subprotocol: str | None) -> tuple[ServerProtocol, bytes]:
        """Return the open protocol and the 101 to write; the core chose `subprotocol` (B-050)."""
        if subprotocol is not None:
            self._response.headers["Sec-WebSocket-Protocol"] = subprotocol
        self._protocol.send_response(self._response)
        return self._protocol, b"".join(self._protocol.data_to_send())


def _check_request_line(request: Request) -> None:
    if request.method != "GET":
        raise HandshakeRefusedError(405, "A WebSocket handshake is a GET.", (("Allow", "GET"),))
    if request.version != "1.1":
        raise HandshakeRefusedError(505, "A WebSocket handshake needs HTTP/1.1.", ())


def _check_version(request: Request) -> None:
    version = request.header("sec-websocket-version")
    if version and version != "13":
        raise HandshakeRefusedError(
            426, "Only version 13 of WebSocket is spoken.", (("Sec-WebSocket-Version", "13"),)
        )


def _opening(request: Request) -> bytes:
    """Return the request with those headers alone that the library has a say in."""
    lines = [
        f"{name}: {value}\r\n" for name, value in request.headers if name.lower() in _NEGOTIATED
    ]
    return "".join(["GET / HTTP/1.1\r\n", *lines, "\r\n"]).encode("latin-1")
