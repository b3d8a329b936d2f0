"""Signature Version 4 for requests to DynamoDB, as botocore makes it.

Source: AWS, "Create a signed AWS API request". The key of a day is kept, as deriving it is half the
work.
"""

import hashlib
import hmac
import time
from typing import Final

from functions.adapters.dynamodb_access import Access

ALGORITHM: Final = "AWS4-HMAC-SHA256"
CONTENT_TYPE: Final = "application/x-amz-json-1.0"
TARGET_PREFIX: Final = "DynamoDB_20120810."


class Signer:
    """Writes the heads of requests that are signed with one access."""

    def __init__(self, access: Access) -> None:
        self._host = access.host_header
        self._credentials = access.credentials
        self._day = ""
        self._key = b""

    def head(self, operation: str, body: bytes, now: float) -> bytes:
        """Give the head of a request made at `now` (epoch seconds), up to its empty line."""
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        headers = self._signed_headers(operation, moment)
        names = ";".join(headers)
        canonical = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = f"POST\n/\n\n{canonical}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{moment[:8]}/{self._credentials.region}/dynamodb/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        to_sign = f"{ALGORITHM}\n{moment}\n{scope}\n{digest}"
        signature = hmac.digest(self._key_of(moment[:8]), to_sign.encode(), "sha256").hex()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return (
            f"POST / HTTP/1.1\r\n{lines}"
            f"authorization: {ALGORITHM} Credential={self._credentials.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        ).encode("latin-1")

    def _signed_headers(self, operation: str, moment: str) -> dict[str, str]:
        """Give all headers that are signed, in the order of their names."""
        headers = {
            "content-type": CONTENT_TYPE,
            "host": self._host,
            "x-amz-date": moment,
        }
        if self._credentials.token:
            headers["x-amz-security-token"] = self._credentials.token
        headers["x-amz-target"] = TARGET_PREFIX + operation
        return headers

    def _key_of(self, day: str) -> bytes:
        if day != self._day:
            key = f"AWS4{self._credentials.secret_key}".encode()
            for part in (day, self._credentials.region, "dynamodb", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key, self._day = key, day
        return self._key
