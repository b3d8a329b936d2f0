"""The certificate of this run: an authority made for it, and the TLS context that it vouches for.

Handlers build their endpoint as `https://{domainName}/{stage}`, so the port has to speak TLS with
a certificate that they can be told to trust. Nothing here is written to a lasting file or reused.
"""

import socket
import ssl
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class Certificate:
    """A certificate authority for one run and one server certificate, each made when first needed.

    The authority costs some 170 ms, nearly all of it the import of `cryptography`.
    """

    def __init__(self) -> None:
        self._names = list(LOOPBACK_NAMES)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.add_name(socket.gethostname())

    def add_name(self, name: str) -> None:
        """Certify another name or address too; only before the first use of `context`.

        One that can't stand in a certificate, as a container's name with `_`, is left out.
        """
        if name not in self._names:
            self._names.append(name)

    @cached_property
    def _authority(self) -> "trustme.CA":
        import trustme  # noqa: PLC0415 - 160 ms that a start without TLS does not pay

        return trustme.CA(organization_name="Gatepost, for this run only")

    @cached_property
    def authority_pem(self) -> bytes:
        """The authority's certificate in PEM, for clients to trust."""
        return self._authority.cert_pem.bytes()

    @cached_property
    def context(self) -> ssl.SSLContext:
        """A server context for the loopback names, this machine's name and those added."""
        return self._make_context(self._names)

    def context_for(self, address: str) -> ssl.SSLContext:
        """Return a context that certifies, beside these names, the address a link came in at.

        A page opened from another device by this machine's address makes that address the
        `domainName` of events, and handlers post to `https://{domainName}/{stage}`.
        """
        if address in self._names:
            return self.context
        if address not in self._contexts:
            self._contexts[address] = self._make_context([*self._names, address])
        return self._contexts[address]

    def _make_context(self, names: list[str]) -> ssl.SSLContext:
        """Make a server context; TLS 1.2 is the oldest version spoken (B-027)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        certified = [name for name in names if self._can_certify(name)]
        self._authority.issue_cert(*certified).configure_cert(context)
        return context

    def _can_certify(self, name: str) -> bool:
        try:
            self._authority.issue_cert(name)
        except ValueError:
            return False
        return True
