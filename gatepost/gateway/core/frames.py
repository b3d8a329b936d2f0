"""The text frames that the gateway itself makes, and cutting a message into frames."""

from typing import Final

FORBIDDEN: Final = "Forbidden"
INTERNAL_SERVER_ERROR: Final = "Internal server error"
ENDPOINT_TIMED_OUT: Final = "Endpoint request timed out"
BAD_REQUEST_BODY: Final = "Bad request body"


def error_frame(message: str, connection_id: str, request_id: str) -> bytes:
    """Return the text of an error frame, with AWS's own spacing (B-175)."""
    return (
        f'{{"message": "{message}", "connectionId":"{connection_id}", "requestId":"{request_id}"}}'
    ).encode()


def invalid_body_frame(connection_id: str, message_id: str) -> bytes:
    """Return the text of the frame about a message that fits no model, spaced as B-168 says."""
    return (
        f'{{"message" : "{BAD_REQUEST_BODY}", '
        f'"connectionId": "{connection_id}", "messageId": "{message_id}"}}'
    ).encode()


def fragments(payload: bytes, frame_bytes_max: int) -> tuple[bytes, ...]:
    """Cut a message into frames of at most `frame_bytes_max` bytes; an empty one is one frame."""
    if len(payload) <= frame_bytes_max:
        return (payload,)
    return tuple(
        payload[start : start + frame_bytes_max]
        for start in range(0, len(payload), frame_bytes_max)
    )
