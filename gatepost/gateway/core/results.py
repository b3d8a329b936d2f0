"""Reading what an integration answered: a function's Lambda proxy result, a backend's answer."""

from base64 import b64decode, b64encode
from typing import Final

from msgspec import DecodeError, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from gatepost.gateway.core.inputs import HttpAnswered, Returned

_STATUS_MIN: Final = 100
_STATUS_MAX: Final = 599
_MISSING: Final = -1


class MalformedResultError(Exception):
    """The document is no proxy result (B-045); the text says what is wrong with it."""


class ProxyResult(Struct, frozen=True, rename="camel"):
    """A proxy result: an integer `statusCode` and what may come with it."""

    status_code: int = _MISSING
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

    def text_bytes(self, bytes_max: int) -> bytes:
        """Return the body as one text message has it (B-250, inferred).

        Raises MalformedResultError also when it is longer than `bytes_max`, or no UTF-8.
        """
        body = self.body_bytes()
        if len(body) > bytes_max:
            raise MalformedResultError(f"body has {len(body)} bytes, a message at most {bytes_max}")
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise MalformedResultError("body is not UTF-8 text") from error
        return body

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


def read_answer(
    outcome: Returned | HttpAnswered, *, status_if_missing: int | None = None
) -> ProxyResult | None:
    """Read what a function returned or a backend answered; None for a function's `null`.

    Raises MalformedResultError as `read_result` does.
    """
    if isinstance(outcome, Returned):
        return read_result(outcome.payload, status_if_missing=status_if_missing)
    headers: dict[str, str | int | float | bool | None] = dict(outcome.headers)
    body = b64encode(outcome.body).decode()
    return ProxyResult(outcome.status, body, headers, is_base64_encoded=True)


def read_result(payload: bytes, *, status_if_missing: int | None = None) -> ProxyResult | None:
    """Read what a function returned; None for `null`.

    Raises MalformedResultError when it is anything but an object with an integer `statusCode`
    that HTTP knows; an object without one is read with `status_if_missing` if that is given.
    """
    try:
        result = _decoder.decode(payload)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedResultError(str(error)) from error
    if result is None:
        return None
    if result.status_code == _MISSING:
        if status_if_missing is None:
            raise MalformedResultError("statusCode is missing")
        return replace(result, status_code=status_if_missing)
    if not _STATUS_MIN <= result.status_code <= _STATUS_MAX:
        raise MalformedResultError(f"statusCode {result.status_code} is no HTTP status")
    return result
