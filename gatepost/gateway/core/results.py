"""Reading what a function returned: the Lambda proxy result."""

from base64 import b64decode
from typing import Final

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

_STATUS_MIN: Final = 100
_STATUS_MAX: Final = 599


class MalformedResultError(Exception):
    """The document is no proxy result (B-045); the text says what is wrong with it."""


class ProxyResult(Struct, frozen=True, rename="camel"):
    """A proxy result: an integer `statusCode` and what may come with it."""

    status_code: int
    body: str | None = None
    headers: dict[str, str | int | float | bool | None] | None = None
    multi_value_headers: dict[str, list[str | int | float | bool]] | None = None
    is_base64_encoded: bool | None = None

    def body_bytes(self) -> bytes:
        """Return the body, decoded when it says that it is base64; no body is an empty one.

        Raises MalformedResultError when it says so and is not.
        """
        if not self.body:
            return b""
        if not self.is_base64_encoded:
            return self.body.encode()
        try:
            return b64decode(self.body, validate=True)
        except ValueError as error:
            raise MalformedResultError("body is not base64 as isBase64Encoded says") from error

    def header(self, name: str) -> str | None:
        """Return a header's value whatever the case of its name (B-050)."""
        wanted = name.lower()
        for key, value in (self.headers or {}).items():
            if key.lower() == wanted and value is not None:
                return str(value)
        for key, values in (self.multi_value_headers or {}).items():
            if key.lower() == wanted and values:
                return str(values[-1])
        return None


_decoder: Final[Decoder[ProxyResult | None]] = Decoder(ProxyResult | None)


def read_result(payload: bytes) -> ProxyResult | None:
    """Read what a function returned; None for `null`.

    Raises MalformedResultError when it is anything but an object with an integer `statusCode`
    that HTTP knows.
    """
    try:
        result = _decoder.decode(payload)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedResultError(str(error)) from error
    if result is not None and not _STATUS_MIN <= result.status_code <= _STATUS_MAX:
        raise MalformedResultError(f"statusCode {result.status_code} is no HTTP status")
    return result
