"""Frames, limits of size, and violations of RFC 6455 (section 9)."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from tests.conformance.conftest import RawClient, RunningGateway, StartGateway
    from tests.conftest import Eventually

Raw = Callable[["RunningGateway"], Awaitable["RawClient"]]

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
CODES_NEVER_SENT = [code.to_bytes(2) for code in (999, 1004, 1005, 1006, 1015, 2999, 5000)]


async def ended_with(gateway: "RunningGateway", eventually: "Eventually") -> tuple[int, str]:
    """Return code and reason of the one $disconnect."""
    (event,) = await eventually(lambda: gateway.events_of("DISCONNECT"))
    context = event["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


async def test_a_frame_of_32_kib_passes(start: "StartGateway", raw: Raw) -> None:
    """B-251: 32 768 bytes in one frame."""
    client = await raw(await start())
    text = b'{"action":"echo","x":"' + b"x" * (32_768 - 24) + b'"}'
    assert len(text) == 32_768
    assert await client.message(text) == text


async def test_a_frame_over_32_kib_closes_with_1009(
    start: "StartGateway", raw: Raw, eventually: "Eventually"
) -> None:
    """B-251, B-252, B-135: one byte more, although 32 769 is less than a message may have."""
    gateway = await start()
    client = await raw(gateway)
    client.write_frame(TEXT, b"x" * 32_769)
    assert await client.read_close_code() == 1009
    assert await ended_with(gateway, eventually) == (1009, "")
    assert gateway.events_of("MESSAGE") == []


async def test_a_client_library_that_does_not_fragment_is_closed_at_33_kb(
    start: "StartGateway",
) -> None:
    """B-255, B-252: python-websockets sends one frame, as most do; given parts it sends several."""
    gateway = await start()
    async with gateway.connect() as client:
        await client.send(["x" * 20_000, "x" * 20_000])
        await client.send('{"action":"echo"}')
        assert await client.recv() == '{"action":"echo"}'
        await client.send("x" * 33_000)
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1009


async def test_four_fragments_of_32_kib_are_one_event(
    start: "StartGateway", raw: Raw, eventually: "Eventually"
) -> None:
    """B-250, B-254: the largest message, in fragments, reaches the function whole."""
    gateway = await start()
    client = await raw(gateway)
    for number, letter in enumerate(b"abcd"):
        client.write_frame(CONT if number else TEXT, bytes([letter]) * 32_768, fin=number == 3)
    (event,) = await eventually(lambda: gateway.events_of("MESSAGE"))
    assert event["body"] == "".join(letter * 32_768 for letter in "abcd")


async def test_a_message_over_128_kib_closes_with_1009(
    start: "StartGateway", raw: Raw, eventually: "Eventually"
) -> None:
    """B-250, B-252: five fragments of 32 KiB."""
    gateway = await start()
    client = await raw(gateway)
    for number in range(5):
        client.write_frame(CONT if number else TEXT, b"x" * 32_768, fin=number == 4)
    assert await client.read_close_code() == 1009
    assert await ended_with(gateway, eventually) == (1009, "")


@pytest.mark.parametrize("fin", [True, False])
async def test_a_binary_frame_closes_with_1003(
    start: "StartGateway", raw: Raw, eventually: "Eventually", *, fin: bool
) -> None:
    """B-256, B-135: at the first frame of a binary message, fragmented or not."""
    gateway = await start()
    client = await raw(gateway)
    client.write_frame(BINARY, b"\x00", fin=fin)
    assert (await client.read_frame())[1:] == (CLOSE, (1003).to_bytes(2))
    client.write_frame(CLOSE, (1003).to_bytes(2))
    assert await ended_with(gateway, eventually) == (1003, "")


async def test_text_that_is_no_utf8_closes_with_1007(
    start: "StartGateway", raw: Raw, eventually: "Eventually"
) -> None:
    """B-259: RFC 6455 8.1."""
    gateway = await start()
    client = await raw(gateway)
    client.write_frame(TEXT, b"\xff")
    assert await client.read_close_code() == 1007
    assert await ended_with(gateway, eventually) == (1007, "")


@pytest.mark.parametrize(
    "frame",
    [
        bytes([0x81, 0x01, 0x78]),  # not masked
        bytes([0x83, 0x80, 0, 0, 0, 0]),  # reserved opcode
        bytes([0xC1, 0x80, 0, 0, 0, 0]),  # reserved bit
        bytes([0x80, 0x80, 0, 0, 0, 0]),  # continues nothing
        bytes([0x09, 0x80, 0, 0, 0, 0]),  # fragmented ping
    ],
)
async def test_other_violations_close_with_1002(
    start: "StartGateway", raw: Raw, eventually: "Eventually", frame: bytes
) -> None:
    """B-259: RFC 6455 section 5."""
    gateway = await start()
    client = await raw(gateway)
    client.writer.write(frame)
    assert await client.read_close_code() == 1002
    assert await ended_with(gateway, eventually) == (1002, "")


async def test_a_character_may_be_split_between_fragments(
    start: "StartGateway", raw: Raw, eventually: "Eventually"
) -> None:
    """B-254, B-259: only the whole message must be UTF-8."""
    gateway = await start()
    client = await raw(gateway)
    first, second = "ü".encode()[:1], "ü".encode()[1:]
    client.write_frame(TEXT, first, fin=False)
    client.write_frame(CONT, second)
    (event,) = await eventually(lambda: gateway.events_of("MESSAGE"))
    assert event["body"] == "ü"


async def test_messages_out_are_cut_into_frames_of_32_kib(start: "StartGateway", raw: Raw) -> None:
    """B-253: as seen on the wire."""
    gateway = await start()
    client = await raw(gateway)
    connection_id = (await client.message(b'{"action":"id"}')).decode()
    payload = bytes(range(97, 123)) * 4000
    path = f"/dev/@connections/{connection_id}"
    assert (await gateway.request("POST", path, payload))[0] == 200
    frames = [await client.read_frame() for _ in range(4)]
    assert [(fin, opcode) for fin, opcode, _ in frames] == [
        (False, TEXT),
        (False, CONT),
        (False, CONT),
        (True, CONT),
    ]
    assert [len(data) for _, _, data in frames] == [32_768, 32_768, 32_768, 104_000 - 3 * 32_768]
    assert b"".join(data for _, _, data in frames) == payload


async def test_a_ping_is_answered_and_reaches_no_function(start: "StartGateway", raw: Raw) -> None:
    """B-258: also between the fragments of a message."""
    gateway = await start()
    client = await raw(gateway)
    client.write_frame(TEXT, b'{"action":', fin=False)
    client.write_frame(PING, b"are you there")
    assert await client.read_frame() == (True, PONG, b"are you there")
    client.write_frame(PONG, b"unasked")
    client.write_frame(CONT, b'"echo"}')
    assert await client.read_frame() == (True, TEXT, b'{"action":"echo"}')
    assert len(gateway.events_of("MESSAGE")) == 1


async def test_a_ping_between_fragments_does_not_count_against_the_message(
    start: "StartGateway", raw: Raw, eventually: "Eventually"
) -> None:
    """B-250, B-258: 125 bytes of ping after 128 KiB of a message that is not finished."""
    gateway = await start()
    client = await raw(gateway)
    for number in range(4):
        client.write_frame(CONT if number else TEXT, b"x" * 32_768, fin=False)
    client.write_frame(PING, b"p" * 125)
    assert await client.read_frame() == (True, PONG, b"p" * 125)
    client.write_frame(CONT, b"")
    (event,) = await eventually(lambda: gateway.events_of("MESSAGE"))
    assert len(event["body"]) == 131_072


@pytest.mark.parametrize("excess", [1, 125, 126])
async def test_a_message_over_128_kib_by_little_closes_with_1009(
    start: "StartGateway", raw: Raw, eventually: "Eventually", *, excess: int
) -> None:
    """B-250, B-252: by one byte, and by what a ping may have."""
    gateway = await start()
    client = await raw(gateway)
    for number in range(4):
        client.write_frame(CONT if number else TEXT, b"x" * 32_768, fin=False)
    client.write_frame(CONT, b"x" * excess)
    _, opcode, payload = await client.read_frame()
    assert (opcode, payload[:2]) == (CLOSE, (1009).to_bytes(2))
    client.write_frame(CLOSE, (1009).to_bytes(2))
    assert await ended_with(gateway, eventually) == (1009, "")
    assert gateway.events_of("MESSAGE") == []


async def test_a_response_is_cut_into_frames_of_32_kib(start: "StartGateway", raw: Raw) -> None:
    """B-195, B-253: as a post is."""
    gateway = await start()
    client = await raw(gateway)
    body = b'{"action":"echo","x":"' + b"x" * 99_976 + b'"}'
    for number, at in enumerate(range(0, 100_000, 32_768)):
        client.write_frame(CONT if number else TEXT, body[at : at + 32_768], fin=number == 3)
    frames = [await client.read_frame() for _ in range(4)]
    assert [len(data) for _, _, data in frames] == [32_768, 32_768, 32_768, 100_000 - 3 * 32_768]
    assert b"".join(data for _, _, data in frames) == body


@pytest.mark.parametrize("payload", [b"\x03", b"\x03\xe8\xff", *CODES_NEVER_SENT])
async def test_a_malformed_close_frame_is_a_violation(
    start: "StartGateway", raw: Raw, eventually: "Eventually", payload: bytes
) -> None:
    """B-259, B-260: half a code, a reason that is no UTF-8, codes that are never on the wire."""
    gateway = await start()
    client = await raw(gateway)
    client.write_frame(CLOSE, payload)
    expected = 1007 if payload.endswith(b"\xff") else 1002
    assert await client.read_close_code() == expected
    assert await ended_with(gateway, eventually) == (expected, "")


async def test_codes_that_never_go_out(start: "StartGateway", raw: Raw) -> None:
    """B-260: a close frame without a code is answered by one without a code, not by 1005."""
    client = await raw(await start())
    client.write_frame(CLOSE, b"")
    assert (await client.read_frame())[1:] == (CLOSE, b"")


async def test_guess_a_function_that_fails_closes_nothing(start: "StartGateway", raw: Raw) -> None:
    """B-261: neither 1011 nor 1008; the client gets an error frame and stays."""

    async def fail(event: dict[str, object]) -> object:
        raise RuntimeError("broken")

    client = await raw(await start({"$default": fail}))
    assert b"Internal server error" in await client.message(b"x")
    assert b"Internal server error" in await client.message(b"y")
