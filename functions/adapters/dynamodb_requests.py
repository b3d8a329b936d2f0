"""Requests to DynamoDB as bytes, signed and ready to be sent.

Its JSON protocol names the operation in a header. That is signed as everything else is, so each
operation has a signer (sigv4), and what its requests of one second share is computed once.
"""

from typing import Final

from functions.adapters.dynamodb_access import Access
from functions.adapters.sigv4 import Signer, payload_hash

SERVICE: Final = "dynamodb"
CONTENT_TYPE: Final = "application/x-amz-json-1.0"
TARGET_PREFIX: Final = "DynamoDB_20120810."


class Requests:
    """Makes the requests that are signed with one access."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._signers: dict[str, Signer] = {}

    def make(self, operation: str, body: bytes, now: float) -> bytes:
        """Give a request made at `now` (epoch seconds)."""
        signer = self._signers.get(operation)
        if signer is None:
            signer = self._signers[operation] = self._signer(operation)
        if not signer.is_fresh(now):
            signer.renew(self._access.credentials, now)
        lines = signer.header_lines("POST", "/", payload_hash(body))
        return f"POST / HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def _signer(self, operation: str) -> Signer:
        headers = {"Content-Type": CONTENT_TYPE, "X-Amz-Target": TARGET_PREFIX + operation}
        authority, region = self._access.endpoint.authority, self._access.credentials.region
        return Signer(authority, region, SERVICE, headers)
