"""The three events as functions see them, made by real clients (sections 1 and 5)."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conformance.conftest import StartGateway
    from tests.conftest import Eventually

ID = re.compile(r"[A-Za-z0-9_-]{14}[AEIMQUYcgkosw048]=")
CONTEXT = {
    "routeKey",
    "eventType",
    "extendedRequestId",
    "requestTime",
    "messageDirection",
    "stage",
    "connectedAt",
    "requestTimeEpoch",
    "identity",
    "requestId",
    "domainName",
    "connectionId",
    "apiId",
}


async def three_events(start: "StartGateway", eventually: "Eventually") -> list[dict[str, Any]]:
    """Connect, send, leave; return the events of that."""
    gateway = await start()
    async with gateway.connect(
        "/dev?room=red&room=blue&q=a%20b",
        user_agent_header="ExampleBrowser/1.0",
        additional_headers=[("X-Tag", "one"), ("X-Tag", "two")],
    ) as client:
        await client.send('{"action" :\r\n "echo"}')
        await client.recv()
    await eventually(lambda: gateway.events_of("DISCONNECT"))
    for event in gateway.events:
        assert event["requestContext"]["domainName"] == gateway.authority
    return gateway.events


async def test_connect_carries_headers_and_query(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-100 to B-106: the CONNECT event, with repeats in both forms and no hop-by-hop header."""
    event, _, _ = await three_events(start, eventually)
    assert set(event) == {
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "requestContext",
        "isBase64Encoded",
    }
    assert event["queryStringParameters"] == {"room": "blue", "q": "a b"}
    assert event["multiValueQueryStringParameters"] == {"room": ["red", "blue"], "q": ["a b"]}
    # B-104: both forms come together, the single one with the last value.
    assert event["headers"] == {name: v[-1] for name, v in event["multiValueHeaders"].items()}
    assert event["isBase64Encoded"] is False
    assert event["headers"]["X-Tag"] == "two"
    assert event["multiValueHeaders"]["X-Tag"] == ["one", "two"]
    assert event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert event["headers"]["X-Forwarded-Port"] == "443"
    assert event["headers"]["X-Forwarded-Proto"] == "https"
    assert set(event["headers"]) == {
        "Host",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "User-Agent",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
        "X-Tag",
    }
    assert event["requestContext"]["identity"] == {
        "userAgent": "ExampleBrowser/1.0",
        "sourceIp": "127.0.0.1",
    }
    assert set(event["requestContext"]) == CONTEXT


async def test_client_headers_arrive_under_their_usual_names(start: "StartGateway") -> None:
    """B-101 to B-103: whatever the client's spelling; hop-by-hop names and forgeries are gone."""
    gateway = await start()
    await gateway.exchange(
        b"GET /dev HTTP/1.1\r\nhost: example.com\r\nUPGRADE: websocket\r\nconnection: Upgrade\r\n"
        b"SEC-WEBSOCKET-VERSION: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n"
        b"accept-language: de\r\ncache-control: no-cache\r\nPragma: no-cache\r\n"
        b"cookie: a=b; c=d\r\nsec-fetch-mode: websocket\r\ncontent-length: 0\r\n"
        b"x-amzn-trace-id: forged\r\nx-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: ws\r\n\r\n"
    )
    (event,) = gateway.events_of("CONNECT")
    trace = event["headers"].pop("X-Amzn-Trace-Id")
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", trace)
    assert event["headers"] == {
        "Host": "example.com",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
        "Accept-Language": "de",
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Cookie": "a=b; c=d",
        "Sec-Fetch-Mode": "websocket",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    assert set(event["multiValueHeaders"]) == {*event["headers"], "X-Amzn-Trace-Id"}
    assert event["requestContext"]["domainName"] == "example.com"


async def test_connect_without_query_and_user_agent_lacks_their_keys(
    start: "StartGateway",
) -> None:
    """B-105, B-107: absent, not null and not empty."""
    gateway = await start()
    async with gateway.connect(user_agent_header=None):
        (event,) = gateway.events
    assert "queryStringParameters" not in event
    assert "multiValueQueryStringParameters" not in event
    assert event["requestContext"]["identity"] == {"sourceIp": "127.0.0.1"}


async def test_message_carries_the_text_and_no_headers(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-120, B-121, B-123: the MESSAGE event, its text byte for byte."""
    _, event, _ = await three_events(start, eventually)
    assert set(event) == {"requestContext", "body", "isBase64Encoded"}
    assert event["body"] == '{"action" :\r\n "echo"}'
    assert event["isBase64Encoded"] is False
    assert set(event["requestContext"]) == CONTEXT | {"messageId"}
    assert event["requestContext"]["messageId"] != event["requestContext"]["requestId"]


async def test_disconnect_carries_code_reason_and_four_headers(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-130, B-131, B-108: the DISCONNECT event; no authorizer in any of the three."""
    connect, _, event = await three_events(start, eventually)
    host = connect["headers"]["Host"]
    expected = {"Host": host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    assert set(event) == {"headers", "multiValueHeaders", "requestContext", "isBase64Encoded"}
    assert event["headers"] == expected
    assert event["multiValueHeaders"] == {name: [value] for name, value in expected.items()}
    assert set(event["requestContext"]) == CONTEXT | {"disconnectStatusCode", "disconnectReason"}


async def test_ids_and_times_hold_together(start: "StartGateway", eventually: "Eventually") -> None:
    """B-001 to B-003, B-006, B-007: one connection id and one connectedAt in all three."""
    contexts = [event["requestContext"] for event in await three_events(start, eventually)]
    assert len({context["connectionId"] for context in contexts}) == 1
    assert len({context["connectedAt"] for context in contexts}) == 1
    assert len({context["requestId"] for context in contexts}) == 3
    for context in contexts:
        assert ID.fullmatch(context["connectionId"])
        assert ID.fullmatch(context["requestId"])
        assert context["requestId"] == context["extendedRequestId"]
        assert context["requestTime"] == "05/Mar/2026:09:07:03 +0000"
        assert context["requestTimeEpoch"] == 1_772_701_623_250
