"""Frames that the gateway makes and cuts."""

import json

from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.frames import error_frame, fragments, invalid_body_frame


def test_an_error_frame_has_awss_spacing() -> None:
    """B-175: a space after the first colon and after each comma, none elsewhere."""
    frame = error_frame("Forbidden", "Q0ZkUfPSIAMCJzA=", "Q0ZlYH1BoAMFZmQ=")
    assert frame == (
        b'{"message": "Forbidden", "connectionId":"Q0ZkUfPSIAMCJzA=", '
        b'"requestId":"Q0ZlYH1BoAMFZmQ="}'
    )
    assert json.loads(frame)["message"] == "Forbidden"


def test_the_frame_about_an_invalid_body_has_a_spacing_of_its_own() -> None:
    """B-168: a space before the first colon, and a messageId."""
    assert invalid_body_frame("c", "m") == (
        b'{"message" : "Bad request body", "connectionId": "c", "messageId": "m"}'
    )


@given(payload=st.binary(max_size=200), size=st.integers(1, 64))
def test_fragments_are_small_enough_and_make_up_the_message(payload: bytes, size: int) -> None:
    """B-253: nothing lost, no fragment too long, at least one, none empty beside others."""
    parts = fragments(payload, size)
    assert b"".join(parts) == payload
    assert all(len(part) <= size for part in parts)
    assert parts == (b"",) or all(parts)


def test_a_message_at_the_limit_is_one_frame_and_one_byte_more_is_two() -> None:
    """B-251, B-253: 32 KiB."""
    assert len(fragments(b"x" * 32_768, 32_768)) == 1
    assert [len(part) for part in fragments(b"x" * 32_769, 32_768)] == [32_768, 1]
