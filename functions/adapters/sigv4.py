"""Signature Version 4 for many requests to one service, as botocore makes it.

What a signature shares with its neighbours is computed once: the key once a day, the headers once
a second. Not for S3, and no query.
Source: AWS, "Create a signed AWS API request".
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

    from functions.adapters.credentials import Credentials

ALGORITHM: Final = "AWS4-HMAC-SHA256"


class Signer:
    """Signs requests to one host, region and service; `renew` comes before the first of them.

    Besides `Host`, `X-Amz-Date` and the session token (B-330) it signs `headers`, of all of them.
    """

    def __init__(
        self, host: str, region: str, service: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self._headers = {"Host": host, **(headers or {})}
        self._region = region
        self._service = service
        self._key_of: tuple[str, str] | None = None
        self._key = b""
        self._second = -1
        self._block = self._scope = self._lines = self._to_sign = ""

    def is_fresh(self, now: float) -> bool:
        """Say whether what was renewed is of the second `now` (epoch seconds)."""
        return int(now) == self._second

    def renew(self, credentials: "ReadOnlyCredentials | Credentials", now: float) -> None:
        """Sign with these credentials, as of the second `now` (epoch seconds), from here on."""
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(int(now)))
        day = moment[:8]
        self._renew_key(credentials.secret_key or "", day)
        headers = {**self._headers, "X-Amz-Date": moment}
        if credentials.token:
            headers["X-Amz-Security-Token"] = credentials.token
        signed = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
        names = ";".join(name for name, _ in signed)
        block = "".join(f"{name}:{value}\n" for name, value in signed)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        self._block = f"\n\n{block}\n{names}\n"
        self._to_sign = f"{ALGORITHM}\n{moment}\n{scope}\n"
        self._lines = (
            f"{lines}Authorization: {ALGORITHM} Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature="
        )
        self._second = int(now)

    def header_lines(self, method: str, canonical_path: str, payload_hash: str) -> str:
        """Give the request's signed headers, each line ended; see canonical_path, payload_hash."""
        request = f"{method}\n{canonical_path}{self._block}{payload_hash}"
        to_sign = self._to_sign + hashlib.sha256(request.encode()).hexdigest()
        signature = hmac.digest(self._key, to_sign.encode(), "sha256").hex()
        return f"{self._lines}{signature}\r\n"

    def _renew_key(self, secret_key: str, day: str) -> None:
        if self._key_of == (secret_key, day):
            return
        key = f"AWS4{secret_key}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._key, self._key_of = key, (secret_key, day)


def canonical_path(path: str) -> str:
    """Give the path of a request, as it is sent, as it is signed: encoded once more (B-332)."""
    if not path or "//" in path or "/." in path:
        from botocore.utils import normalize_url_path  # noqa: PLC0415 - slow, and of rare paths

        path = normalize_url_path(path)
    return quote(path, safe="/~")


def payload_hash(payload: bytes) -> str:
    """Give the hash of a request's body as it is signed."""
    return hashlib.sha256(payload).hexdigest()
