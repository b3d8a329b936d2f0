"""TLS of one link, without I/O: ciphertext in and out, the standard library's ssl in between.

asyncio's own TLS is more than a link needs: it costs as much as the rest of a call, and 256 KiB of
memory a connection. Certificates and host names are verified as the context says.
"""

import ssl

NEEDS_MORE = -1


class Tls:
    """The client's side of one TLS connection to `server_name`. All methods raise ssl.SSLError."""

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._session = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_name
        )
        self.is_ready = False
        """Whether the handshake has ended: before it nothing may be encrypted or decrypted."""

    def shake(self) -> None:
        """Go on with the handshake as far as what was received allows."""
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.is_ready = True

    def received(self, ciphertext: memoryview) -> None:
        """Take what came over the network."""
        self._incoming.write(ciphertext)

    def to_send(self) -> bytes:
        """Give what is to leave over the network, empty for nothing."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def encrypt(self, data: bytes) -> bytes:
        """Give what is to leave for `data`."""
        sent = self._session.write(data)
        while sent < len(data):
            sent += self._session.write(data[sent:])
        return self._outgoing.read()

    def decrypt_into(self, buffer: memoryview) -> int:
        """Give how much of what was received is in `buffer` now.

        NEEDS_MORE if nothing for now, 0 if the server has said that nothing follows.
        """
        if not (self._incoming.pending or self._session.pending()):
            return NEEDS_MORE
        try:
            return self._session.read(len(buffer), buffer)  # type: ignore[return-value]
        except ssl.SSLWantReadError:
            return NEEDS_MORE
        except ssl.SSLZeroReturnError:
            return 0
