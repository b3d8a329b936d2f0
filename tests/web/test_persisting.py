"""web/client/persisting.js through a Connection, and what needs no reply: publishes and signals."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import Run

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]


async def test_a_publish_with_a_key_is_repeated_across_a_reconnect(run: "Run") -> None:
    """It may have been done; the key makes the repetition harmless."""
    first, second, outcome = await run("""
        const parts = await connected();
        const outcome = outcomeOf(parts.connection.publish("chat:x", "hi", { key: "k" }));
        const [first] = parts.socket.sent;
        await parts.socket.end();
        await parts.clock.advance(300);
        await parts.socket.open();
        const [second] = parts.socket.sent;
        await parts.socket.reply(second, { epoch: "e", offset: 1 });
        return [first, second, outcome];
    """)
    assert {**first, "id": 2} == second
    assert outcome == {"value": {"epoch": "e", "offset": 1}}


@pytest.mark.parametrize("code", [100, 111])
async def test_a_publish_with_a_key_outlasts_temporary_errors(run: "Run", code: int) -> None:
    """With growing waits, as the back-off of the connection."""
    counts, outcome = await run(f"""
        const {{ connection, clock, socket }} = await connected();
        const outcome = outcomeOf(connection.publish("chat:x", "hi", {{ key: "k" }}));
        const error = {{ code: {code}, message: "later", temporary: true }};
        const counts = [];
        for (const waitMs of [300, 600]) {{
          await socket.reply(socket.sent.at(-1), error, false);
          await clock.advance(waitMs - 1);
          counts.push(socket.sent.length);
          await clock.advance(1);
          counts.push(socket.sent.length);
        }}
        await socket.reply(socket.sent.at(-1));
        return [counts, "value" in outcome];
    """)
    assert (counts, outcome) == ([1, 2, 2, 3], True)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("{ key: 'k' }", "{ code: 103, message: 'no', temporary: false }"),
        ("{}", "{ code: 111, message: 'later', temporary: true }"),
    ],
)
async def test_what_a_repetition_would_not_help_or_could_double_fails_at_once(
    run: "Run", options: str, error: str
) -> None:
    """A refusal for good, and anything without a key."""
    failed, sent = await run(f"""
        const {{ connection, clock, socket }} = await connected();
        const outcome = outcomeOf(connection.publish("chat:x", "hi", {options}));
        await socket.reply(socket.sent[0], {error}, false);
        await clock.advance(20_000);
        return ["code" in outcome, socket.sent.length];
    """)
    assert (failed, sent) == (True, 1)


async def test_after_two_minutes_a_publish_is_given_up(run: "Run") -> None:
    """The server knows a key for five: a later repetition could be a second publication."""
    early, outcome = await run("""
        const { connection, clock, socket } = await connected();
        const outcome = outcomeOf(connection.publish("chat:x", "hi", { key: "k" }));
        await socket.end();
        await clock.advance(119_999);
        const early = { ...outcome };
        await clock.advance(1);
        return [early, outcome];
    """)
    assert early == {}
    assert outcome["temporary"] is True


@pytest.mark.parametrize("connected", [True, False])
async def test_a_page_that_closes_waits_for_no_publish(run: "Run", *, connected: bool) -> None:
    """The connection will not come back by itself, so nothing is left to wait for."""
    outcome, timers = await run(f"""
        const {{ connection, clock, socket }} = await connected();
        const outcome = outcomeOf(connection.publish("chat:x", "hi", {{ key: "k" }}));
        if (!{str(connected).lower()}) await socket.end();
        connection.close();
        await settled();
        return [outcome, clock.timers.size];
    """)
    assert outcome["temporary"] is True
    assert timers == 0


async def test_a_publish_that_finds_no_connection_is_not_kept(run: "Run") -> None:
    """With a key or without: the page decides what becomes of it."""
    outcome = await run("""
        const { connection } = scripted();
        const outcome = outcomeOf(connection.publish("chat:x", "hi", { key: "k" }));
        await settled();
        return outcome;
    """)
    assert outcome["code"] == "disconnected"


async def test_a_signal_asks_for_no_reply(run: "Run") -> None:
    """It has no id, waits for nothing, and is dropped without a connection."""
    sent, flags, timers = await run("""
        const parts = await connected();
        const timers = parts.clock.timers.size;
        const flags = [parts.connection.signal("chat:x", { typing: true })];
        const added = parts.clock.timers.size - timers;
        const { sent } = parts.socket;
        await parts.socket.end();
        flags.push(parts.connection.signal("chat:x", {}));
        return [sent, flags, added];
    """)
    assert sent == [{"action": "signal", "channel": "chat:x", "data": {"typing": True}}]
    assert (flags, timers) == ([True, False], 0)


async def test_a_signal_that_is_too_long_is_an_error(run: "Run") -> None:
    """The gateway would end the connection for it (B-251)."""
    code = await run("""
        const { connection } = await connected();
        try {
          connection.signal("chat:x", "x".repeat(33_000));
        } catch (error) {
          return error.code;
        }
    """)
    assert code == 106


async def test_reading_a_channel_takes_the_protocols_fields(run: "Run") -> None:
    """Those that the page left out are the server's to fill in."""
    sent = await run("""
        const { connection, socket } = await connected();
        const since = { epoch: "e", offset: 4 };
        connection.history("chat:x", { limit: 10, since, reverse: true });
        connection.presence("chat:x", { cursor: "ada" });
        connection.presenceStats("chat:x");
        return socket.sent;
    """)
    assert sent == [
        {
            "action": "history",
            "id": 1,
            "channel": "chat:x",
            "limit": 10,
            "since": {"epoch": "e", "offset": 4},
            "reverse": True,
        },
        {"action": "presence", "id": 2, "channel": "chat:x", "cursor": "ada"},
        {"action": "presenceStats", "id": 3, "channel": "chat:x"},
    ]
