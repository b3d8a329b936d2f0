"""TLS without I/O: against the standard library's server side, in memory."""

import ssl
from contextlib import suppress

import pytest
import trustme

from functions.adapters.http_tls import NEEDS_MORE, Tls


class Server:
    """The other side: takes bytes and gives bytes."""

    def __init__(self, authority: trustme.CA) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def shake(self, client: Tls) -> None:
        """Pass bytes to and fro until the handshake has ended."""
        for _ in range(3):
            client.shake()
            self.incoming.write(client.to_send())
            if not client.is_ready:
                with suppress(ssl.SSLWantReadError):
                    self.session.do_handshake()
            client.received(memoryview(self.outgoing.read()))
        self.session.do_handshake()
        client.received(memoryview(self.outgoing.read()))

    def send(self, client: Tls, data: bytes) -> None:
        """Let the client receive."""
        self.session.write(data)
        client.received(memoryview(self.outgoing.read()))


@pytest.fixture
def authority() -> trustme.CA:
    """Give who vouches for the server."""
    return trustme.CA()


@pytest.fixture
def client(authority: trustme.CA) -> Tls:
    """Give a client that trusts the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return Tls(context, "localhost")


def decrypted(client: Tls) -> bytes:
    """Read all that there is."""
    buffer, parts = memoryview(bytearray(1000)), []
    while (size := client.decrypt_into(buffer)) > 0:
        parts.append(bytes(buffer[:size]))
    assert size == NEEDS_MORE
    return b"".join(parts)


def test_what_is_sent_is_what_is_read(client: Tls, authority: trustme.CA) -> None:
    """More than one record holds, both ways; nothing while nothing came."""
    server = Server(authority)
    server.shake(client)
    assert client.is_ready
    assert decrypted(client) == b""
    payload = bytes(range(256)) * 500
    server.incoming.write(client.encrypt(payload))
    read = b""
    while len(read) < len(payload):
        read += server.session.read(65536)
    assert read == payload
    server.send(client, payload[:40_000])
    assert decrypted(client) == payload[:40_000]


def test_the_end_is_what_the_server_says_it_is(client: Tls, authority: trustme.CA) -> None:
    """An alert that it sends, not the end of the bytes."""
    server = Server(authority)
    server.shake(client)
    assert decrypted(client) == b""
    with pytest.raises(ssl.SSLWantReadError):
        server.session.unwrap()
    client.received(memoryview(server.outgoing.read()))
    assert client.decrypt_into(memoryview(bytearray(9))) == 0


def test_a_server_that_nobody_vouches_for_is_refused(client: Tls) -> None:
    """Before anything is sent to it."""
    with pytest.raises(ssl.SSLCertVerificationError):
        Server(trustme.CA()).shake(client)
