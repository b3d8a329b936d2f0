"""Requests to the gateway's management API as bytes, signed and ready to be sent.

Same target and signature as botocore's client makes of the same endpoint (B-330 to B-332). What the
requests of one broadcast share is computed once: see sigv4, and the hash of the payload here.
"""

import re
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

from functions.adapters.endpoint import Endpoint
from functions.adapters.sigv4 import Signer, canonical_path, payload_hash

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

    from functions.adapters.credentials import Credentials

SERVICE: Final = "execute-api"
Method = Literal["POST", "DELETE"]

_ORDINARY: Final = re.compile(r"[A-Za-z0-9_-]+=*").fullmatch
"""What ids look like; encoding them in general takes several times as long."""


class Requests:
    """Makes the requests to one endpoint, whose path is the stage's part of it if there is one.

    `renew` comes before the first of them.
    """

    def __init__(self, endpoint: Endpoint, region: str) -> None:
        self._signer = Signer(endpoint.authority, region, SERVICE)
        self._prefix = endpoint.path.removesuffix("/") + "/@connections/"
        self._canonical_prefix = canonical_path(self._prefix)
        self._payload = b""
        self._payload_hash = payload_hash(b"")

    def are_fresh(self, now: float) -> bool:
        """Say whether requests are signed as of the second `now` (epoch seconds)."""
        return self._signer.is_fresh(now)

    def renew(self, credentials: "ReadOnlyCredentials | Credentials", now: float) -> None:
        """Sign with these credentials, as of the second `now` (epoch seconds), from here on."""
        self._signer.renew(credentials, now)

    def make(self, method: Method, connection_id: str, payload: bytes) -> bytes:
        """Give a request to `/@connections/{id}`."""
        if payload is not self._payload:  # one of a broadcast is every time the same
            self._payload, self._payload_hash = payload, payload_hash(payload)
        if _ORDINARY(connection_id):
            encoded = connection_id.replace("=", "%3D")
        else:
            encoded = quote(connection_id, safe="-._~")
        path = self._prefix + encoded
        if encoded in {"", ".", ".."}:  # no id, but signed as any other
            canonical = canonical_path(path)
        else:
            canonical = self._canonical_prefix + encoded.replace("%", "%25")
        lines = self._signer.header_lines(method, canonical, self._payload_hash)
        head = f"{method} {path} HTTP/1.1\r\n{lines}Content-Length: {len(payload)}\r\n\r\n"
        return head.encode() + payload
