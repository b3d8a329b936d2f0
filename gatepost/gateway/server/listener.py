"""Listening: sockets bound to one port, and telling TLS from plain by a link's first byte."""

import asyncio
import contextlib
import errno
import logging
import os
import socket
from collections.abc import Callable

logger = logging.getLogger(__name__)

BACKLOG = 1024
ACCEPT_BURST = 128

SILENCE_S_MAX = 10.0
"""How long a client may take to send its first byte."""

RETRY_S = 0.5
"""How long nothing is accepted after the system refused (too many open files)."""

PORT_ATTEMPTS = 20
_TLS_CLIENT_HELLO = b"\x16"


def authority(host: str, port: int) -> str:
    """Write host and port as a URL has them: an IPv6 address in brackets (RFC 3986, 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def bind(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of `host` under one port; 0 lets the system choose it.

    `localhost` is 127.0.0.1 and, where there is IPv6, ::1. Raises OSError where an address can't
    be had.
    """
    loop = asyncio.get_running_loop()
    names = ("127.0.0.1", "::1") if host == "localhost" else (host,)
    addresses: list[tuple[socket.AddressFamily, str]] = []
    for name in names:
        found = await loop.getaddrinfo(
            name or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        addresses += [(family, str(address[0])) for family, _, _, _, address in found]
    wanted = list(dict.fromkeys(addresses))
    for _ in range(PORT_ATTEMPTS if port == 0 else 1):
        try:
            return _bind_all(wanted, port, optional_ipv6=host == "localhost")
        except OSError as error:
            if error.errno != errno.EADDRINUSE or port != 0:
                raise
            refused = error
    raise refused


def _bind_all(
    addresses: list[tuple[socket.AddressFamily, str]], port: int, *, optional_ipv6: bool
) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        for family, address in addresses:
            try:
                bound.append(_bind_one(family, address, port))
            except OSError as error:
                missing = error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
                if not (missing and optional_ipv6 and family is socket.AF_INET6):
                    raise
                continue
            port = bound[0].getsockname()[1]
    except OSError:
        for sock in bound:
            sock.close()
        raise
    return bound


def _bind_one(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would share a port that is taken
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.settimeout(0)
        sock.bind((address, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


class Listener:
    """Accepts on bound sockets and hands each link on once its first byte is there.

    `serve` gets the link's socket, non-blocking, nothing read, and whether it begins with TLS. A
    link that stays silent for SILENCE_S_MAX is closed.
    """

    def __init__(
        self, sockets: list[socket.socket], serve: Callable[[socket.socket, bool], None]
    ) -> None:
        self._sockets = sockets
        self._serve = serve
        self._loop = asyncio.get_running_loop()
        self._silent: dict[socket.socket, asyncio.TimerHandle] = {}
        self._retry: asyncio.TimerHandle | None = None
        self._open()

    @property
    def silent_links(self) -> int:
        """How many links have been accepted and not spoken yet."""
        return len(self._silent)

    def close(self) -> None:
        """Stop listening and close what has not spoken yet."""
        if self._retry is not None:
            self._retry.cancel()
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()
        for link in list(self._silent):
            self._drop(link)

    def _open(self) -> None:
        for sock in self._sockets:
            self._loop.add_reader(sock, self._accept, sock)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPT_BURST):
            try:
                link, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                logger.error(  # noqa: TRY400 - the machine's limit, no bug to trace
                    "No connection can be accepted: %s. Trying again in %g s.", error, RETRY_S
                )
                for sock in self._sockets:
                    self._loop.remove_reader(sock)
                self._retry = self._loop.call_later(RETRY_S, self._open)
                return
            link.settimeout(0)
            with contextlib.suppress(OSError):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not self._look(link):
                self._silent[link] = self._loop.call_later(SILENCE_S_MAX, self._drop, link)
                self._loop.add_reader(link, self._look_again, link)

    def _look(self, link: socket.socket) -> bool:
        """Hand the link on if its first byte is there; tell whether it is settled."""
        try:
            first = link.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            first = b""
        if first:
            self._serve(link, first == _TLS_CLIENT_HELLO)
        else:
            link.close()
        return True

    def _look_again(self, link: socket.socket) -> None:
        self._loop.remove_reader(link)
        self._silent.pop(link).cancel()
        if not self._look(link):
            self._silent[link] = self._loop.call_later(SILENCE_S_MAX, self._drop, link)
            self._loop.add_reader(link, self._look_again, link)

    def _drop(self, link: socket.socket) -> None:
        self._loop.remove_reader(link)
        self._silent.pop(link).cancel()
        link.close()
