"""Requests in, replies and publications out."""

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, Struct

from functions.core import limits, protocol
from functions.core.errors import BAD_REQUEST, ProtocolError


class Fields(Struct):
    """The fields of some action."""

    channel: str
    data: Raw


def decode(data: bytes) -> Fields:
    """Read a request as it is read for an action."""
    protocol.decode_request(data)
    return protocol.decode_fields(data, Fields)


def error_of(data: bytes) -> ProtocolError:
    """Give the error that a request's text is refused with."""
    with pytest.raises(ProtocolError) as caught:
        decode(data)
    return caught.value


@pytest.mark.parametrize("request_id", [0, -7, 2**53 - 1, "a", "x" * 64, ""])
def test_an_id_comes_back_as_it_was(request_id: int | str) -> None:
    """An integer stays an integer, a string a string."""
    text = json.dumps({"action": "echo", "id": request_id}).encode()
    request = protocol.decode_request(text)
    reply = json.loads(protocol.encode_result(request.id, None))
    assert reply == {"type": "reply", "ok": True, "id": request_id}


@pytest.mark.parametrize("request_id", ["x" * 65, 2**53, True, 1.5, [], {}])
def test_another_id_is_refused_and_not_returned(request_id: object) -> None:
    """The error names the field; a client can't match what it didn't send right."""
    text = json.dumps({"action": "echo", "id": request_id}).encode()
    error = error_of(text)
    assert error.kind == BAD_REQUEST
    assert "$.id" in error.message
    assert protocol.request_id(text) is None


def test_a_request_without_id_gets_a_reply_without_id() -> None:
    """Nor does null count as one."""
    assert json.loads(protocol.encode_result(None, {"a": 1})) == {
        "type": "reply",
        "ok": True,
        "result": {"a": 1},
    }


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b'{"id":1}', "`action`"),
        (b'{"id":1,"action":5}', "$.action"),
        (b'{"id":1,"action":"a","data":1}', "`channel`"),
        (b'{"id":1,"action":"a","data":1,"channel":null}', "$.channel"),
        (b'{"id":1,"action":"a","channel":"a:b"}', "`data`"),
    ],
)
def test_a_missing_or_mistyped_field_is_named(text: bytes, named: str) -> None:
    """107, and the id is still found so that the client can match the error."""
    error = error_of(text)
    assert error.kind == BAD_REQUEST
    assert named in error.message
    assert protocol.request_id(text) == 1


@pytest.mark.parametrize("text", [b"", b"{", b"hello", b'"\xff"', b"[" * 20_000, b"{'a':1}"])
def test_what_is_no_json_is_a_bad_request(text: bytes) -> None:
    """107 for what can't be parsed, however deep."""
    assert error_of(text).kind == BAD_REQUEST
    assert protocol.request_id(text) is None


def test_a_request_may_have_the_limits_bytes_and_no_more() -> None:
    """106 names both sizes."""
    head, tail = b'{"action":"echo","id":7,"data":"', b'"}'
    room = limits.REQUEST_BYTES_MAX - len(head) - len(tail)
    assert protocol.decode_request(head + b"x" * room + tail).id == 7
    too_long = head + b"x" * (room + 1) + tail
    error = error_of(too_long)
    assert (error.kind.code, "32769" in error.message) == (106, True)
    assert protocol.request_id(too_long) == 7


def test_a_reply_may_have_the_limits_bytes_and_no_more() -> None:
    """A result that is too long is an error of its action."""
    fits = limits.REPLY_BYTES_MAX - len(protocol.encode_result(None, ""))
    assert len(protocol.encode_result(None, "x" * fits)) == limits.REPLY_BYTES_MAX
    with pytest.raises(ProtocolError, match="106"):
        protocol.encode_result(None, "x" * (fits + 1))


def test_data_of_a_publication_is_passed_on_as_it_was() -> None:
    """Numbers that no float holds keep every digit."""
    data = Raw(b'{"n":1.10,"big":123456789012345678901234567890}')
    publication = protocol.Publication(
        id="p1", channel="a:b", data=data, sender=protocol.Sender("ann", "c="), at=5
    )
    text = protocol.encode(publication)
    assert b'"data":{"n":1.10,"big":123456789012345678901234567890}' in text
    document = json.loads(text)
    assert document["type"] == "publication"
    assert document["from"] == {"user": "ann", "connection": "c="}
    assert set(document) == {"type", "id", "channel", "data", "from", "at"}


def test_a_kept_publication_carries_its_position() -> None:
    """And one of a server no sender."""
    publication = protocol.Publication("p1", "a:b", Raw(b"1"), 5, epoch="e", offset=3)
    document = json.loads(protocol.encode(publication))
    assert (document["epoch"], document["offset"], "from" in document) == ("e", 3, False)


@pytest.mark.parametrize(
    ("message", "document"),
    [
        (
            protocol.Join("a:b", protocol.Sender("ann", "c=")),
            {"type": "join", "channel": "a:b", "from": {"user": "ann", "connection": "c="}},
        ),
        (
            protocol.Leave("a:b", protocol.Sender("ann", "c=")),
            {"type": "leave", "channel": "a:b", "from": {"user": "ann", "connection": "c="}},
        ),
        (
            protocol.Unsubscribed("a:b", 103, "permission denied"),
            {
                "type": "unsubscribed",
                "channel": "a:b",
                "code": 103,
                "message": "permission denied",
            },
        ),
        (
            protocol.Closing(3503, "forced to leave", reconnect=False),
            {"type": "closing", "code": 3503, "message": "forced to leave", "reconnect": False},
        ),
    ],
)
def test_every_other_message_is_as_the_page_says(
    message: protocol.Join | protocol.Leave | protocol.Unsubscribed | protocol.Closing,
    document: dict[str, object],
) -> None:
    """docs/reference/protocol.md, "Messages to the client"."""
    assert json.loads(protocol.encode(message)) == document


def test_a_position_has_an_offset_from_zero() -> None:
    """107 for what no log can hold."""
    assert protocol.decode_fields(b'{"epoch":"e","offset":0}', protocol.Position).offset == 0
    with pytest.raises(ProtocolError, match=r"107 .*\$\.offset"):
        protocol.decode_fields(b'{"epoch":"e","offset":-1}', protocol.Position)


def test_an_error_reply_has_code_message_and_temporary() -> None:
    """And no result."""
    reply = json.loads(protocol.encode_error("x", ProtocolError(BAD_REQUEST, "data: odd")))
    error = {"code": 107, "message": "data: odd", "temporary": False}
    assert reply == {"type": "reply", "ok": False, "id": "x", "error": error}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_protocol_error(data: bytes) -> None:
    """Nothing that a client sends raises anything else."""
    protocol.request_id(data)
    with contextlib.suppress(ProtocolError):
        decode(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_any_json_passes_through_data_unchanged(value: object) -> None:
    """What comes out of a publication is what went into a request."""
    request = json.dumps({"action": "publish", "channel": "a:b", "data": value}).encode()
    fields = protocol.decode_fields(request, Fields)
    assert json.loads(bytes(msgspec.json.encode(fields.data))) == value
