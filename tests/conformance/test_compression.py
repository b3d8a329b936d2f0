"""Compression of messages: permessage-deflate as the gateway negotiates it (B-257, RFC 7692)."""

import logging
import zlib
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

if TYPE_CHECKING:
    from tests.conformance.conftest import StartGateway

ECHO = '{"action":"echo","text":"%s"}'


def agreed(client: object) -> str | None:
    """Return what the gateway agreed to."""
    return client.response.headers.get("Sec-WebSocket-Extensions")  # type: ignore[attr-defined, no-any-return] # of a client


async def test_a_bare_offer_is_taken_up(start: "StartGateway") -> None:
    """B-257: and messages pass both ways, many over one context, long and short."""
    gateway = await start()
    offer = ClientPerMessageDeflateFactory(client_max_window_bits=None)
    async with gateway.connect(extensions=[offer]) as client:
        assert (agreed(client) or "").startswith("permessage-deflate")
        for text in ("a", "b" * 20_000, "ü" * 500, "", "a"):
            await client.send(ECHO % text)
            assert await client.recv() == ECHO % text


async def test_a_window_without_a_value_is_a_bare_offer(start: "StartGateway") -> None:
    """B-257: as browsers, `ws` and python-websockets offer it."""
    gateway = await start()
    async with gateway.connect(compression="deflate") as client:
        assert agreed(client) is not None
        await client.send(ECHO % "x")
        assert await client.recv() == ECHO % "x"


async def test_guess_the_answer_names_no_parameter_of_its_own(start: "StartGateway") -> None:
    """B-257: a guess; what AWS answers is not known."""
    gateway = await start()
    async with gateway.connect(compression="deflate") as client:
        assert agreed(client) == "permessage-deflate"


async def test_a_window_with_a_value_counts_as_no_offer(
    start: "StartGateway", caplog: pytest.LogCaptureFixture
) -> None:
    """B-257: the connection works without compression, and the log warns, once."""
    gateway = await start()
    offer = ClientPerMessageDeflateFactory(client_max_window_bits=12)
    with caplog.at_level(logging.WARNING):
        async with gateway.connect(extensions=[offer]) as client:
            assert agreed(client) is None
            await client.send(ECHO % "x")
            assert await client.recv() == ECHO % "x"
    assert len([record for record in caplog.records if "permessage-deflate" in record.msg]) == 1


async def test_without_an_offer_there_is_no_compression(start: "StartGateway") -> None:
    """B-257: RFC 7692 section 5; nor where the settings switch it off."""
    async with (await start()).connect() as client:
        assert agreed(client) is None
    async with (await start(compression=False)).connect(compression="deflate") as client:
        assert agreed(client) is None


async def test_an_offer_that_makes_no_sense_is_passed_over(start: "StartGateway") -> None:
    """B-257: RFC 7692 7.1, unknown or doubled parameters; the next offer counts."""
    gateway = await start()
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate; magic=1, permessage-deflate"}
    status, answer = await gateway.request(
        "GET",
        "/dev",
        headers="Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Extensions: {headers['Sec-WebSocket-Extensions']}\r\n",
    )
    assert status == 101
    assert b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n" in answer


async def test_a_message_may_grow_to_128_kib_and_no_further(start: "StartGateway") -> None:
    """B-250, B-251, B-252, B-257: the frame counts as it is on the wire, the message as it is."""
    gateway = await start()
    text = ECHO % ("x" * (131_072 - len(ECHO) + 2))
    assert len(text) == 131_072
    assert len(zlib.compress(text.encode())) < 1000
    async with gateway.connect(compression="deflate") as client:
        await client.send(text)
        assert await client.recv() == text
        await client.send(text + " ")
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1009


async def test_a_bomb_closes_with_1009(start: "StartGateway") -> None:
    """B-250, B-252, B-257: 100 MiB in a frame of 100 KiB that shrinks again."""
    gateway = await start(frame_bytes_max=1_000_000)
    async with gateway.connect(compression="deflate") as client:
        await client.send("x" * (100 * 2**20))
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1009
