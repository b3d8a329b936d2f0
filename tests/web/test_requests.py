"""web/client/requests.js through a Connection: replies, time-outs, sizes, the gateway's frames."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import Run

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]


async def test_replies_are_matched_by_id_in_any_order(run: "Run") -> None:
    """Replies may overtake each other (B-290)."""
    outcomes = await run("""
        const { connection, socket } = await connected();
        const outcomes = ["a", "b"].map((data) => outcomeOf(connection.request("echo", { data })));
        const [first, second] = socket.sent;
        await socket.reply(second, { data: "b" });
        await socket.reply(first, { data: "a" });
        return outcomes;
    """)
    assert outcomes == [{"value": {"data": "a"}}, {"value": {"data": "b"}}]


async def test_an_error_reply_rejects_with_code_and_temporary(run: "Run") -> None:
    """The table of errors reaches the page as it is."""
    outcome = await run("""
        const { connection, socket } = await connected();
        const outcome = outcomeOf(connection.publish("chat:x", 1));
        const error = { code: 111, message: "too many requests", temporary: true };
        await socket.reply(socket.sent[0], error, false);
        return outcome;
    """)
    assert outcome == {"code": 111, "message": "too many requests", "temporary": True}


async def test_publish_sends_only_the_fields_it_was_given(run: "Run") -> None:
    """`key` and `echo` are optional; the server has the defaults."""
    sent = await run("""
        const { connection, socket } = await connected();
        connection.publish("chat:x", { text: "hi" });
        connection.publish("chat:x", null, { key: "k", echo: false });
        return socket.sent;
    """)
    assert sent == [
        {"action": "publish", "id": 1, "channel": "chat:x", "data": {"text": "hi"}},
        {
            "action": "publish",
            "id": 2,
            "channel": "chat:x",
            "data": None,
            "key": "k",
            "echo": False,
        },
    ]


async def test_a_request_without_reply_fails_after_30_seconds(run: "Run") -> None:
    """The gateway gives a function 29 s (B-181); a reply after the time-out harms nothing."""
    early, late, errors = await run("""
        const { connection, clock, socket, errors } = await connected();
        const outcome = outcomeOf(connection.request("echo"));
        await clock.advance(29_999);
        const early = { ...outcome };
        await clock.advance(1);
        await socket.reply(socket.sent[0], {});
        return [early, outcome, errors()];
    """)
    assert early == {}
    assert (late["code"], late["temporary"]) == ("timeout", True)
    assert errors == []


async def test_a_frame_of_the_gateways_own_is_reported_and_settles_no_request(run: "Run") -> None:
    """A frame without `type` names no request (B-175): it is shown, and the request waits on."""
    errors, before, after = await run("""
        const { connection, socket, errors } = await connected();
        const outcome = outcomeOf(connection.request("echo"));
        await socket.say('{"message": "Internal error", "connectionId":"c", "requestId":"r"}');
        const before = { ...outcome };
        await socket.reply(socket.sent[0], "late");
        return [errors(), before, outcome];
    """)
    assert errors == [
        {
            "type": "error",
            "source": "gateway",
            "message": "Internal error",
            "connectionId": "c",
            "requestId": "r",
        }
    ]
    assert (before, after) == ({}, {"value": "late"})


@pytest.mark.parametrize("frame", ["", "no JSON", "[]", "null", "5"])
async def test_a_frame_that_is_no_object_is_reported(run: "Run", frame: str) -> None:
    """Not even an empty frame (B-193) disturbs the connection."""
    sources, state = await run(f"""
        const {{ connection, socket, errors }} = await connected();
        await socket.say({frame!r});
        return [errors().map(({{ source }}) => source), connection.state];
    """)
    assert (sources, state) == (["protocol"], "connected")


async def test_an_error_reply_without_id_is_reported(run: "Run") -> None:
    """The server could not read an id, so nobody else can be told."""
    errors = await run("""
        const { socket, errors } = await connected();
        const error = { code: 107, message: "not JSON", temporary: false };
        await socket.say({ type: "reply", ok: false, error });
        return errors();
    """)
    assert errors == [{"type": "error", "source": "protocol", "message": "not JSON", "code": 107}]


async def test_a_request_over_32_kib_is_refused_before_it_is_sent(run: "Run") -> None:
    """A larger frame would end the connection with 1009 (B-251); bytes count, not characters."""
    small, large, sent = await run("""
        const { connection, socket } = await connected();
        const bare = JSON.stringify({ data: "", action: "echo", id: 1 }).length;
        const characters = Math.floor((32 * 1024 - bare) / 2);
        const small = outcomeOf(connection.request("echo", { data: "ä".repeat(characters) }));
        const large = outcomeOf(connection.request("echo", { data: "ä".repeat(characters + 1) }));
        await settled();
        return [small, large, socket.sent.length];
    """)
    assert small == {}
    assert (large["code"], large["temporary"]) == (106, False)
    assert sent == 1


async def test_a_request_without_connection_is_refused_at_once(run: "Run") -> None:
    """Nothing is queued: the page decides what becomes of it."""
    outcome = await run("""
        const { connection } = scripted();
        connection.connect();
        const outcome = outcomeOf(connection.publish("chat:x", 1));
        await settled();
        return outcome;
    """)
    assert (outcome["code"], outcome["temporary"]) == ("disconnected", True)


async def test_open_requests_fail_when_the_connection_ends(run: "Run") -> None:
    """They may have been done, which the code tells from those that were never sent."""
    outcome, timers = await run("""
        const { connection, clock, socket } = await connected();
        const outcome = outcomeOf(connection.publish("chat:x", 1));
        await socket.end();
        connection.close();
        return [outcome, clock.timers.size];
    """)
    assert (outcome["code"], outcome["temporary"]) == ("lost", True)
    assert timers == 0
