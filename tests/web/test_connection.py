"""web/client/gatepost.js: states, reconnecting, back-off, the heartbeat, closing."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import Run

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]


async def test_the_states_of_a_connection_that_comes_back(run: "Run") -> None:
    """Closed until connected; reconnecting from the loss on; closed for good by `close()`."""
    initial, states, closed = await run("""
        const parts = scripted();
        const initial = parts.connection.state;
        parts.connection.connect();
        await settled();
        await parts.socket.open();
        await parts.socket.end(1001, "Going away");
        await parts.clock.advance(300);
        await parts.socket.open();
        parts.connection.close();
        await parts.clock.advance(60_000);
        return [initial, parts.states(), [parts.socket.isClosed, parts.clock.timers.size]];
    """)
    assert initial == "closed"
    assert states == [
        *("connecting", "connected"),
        *("reconnecting", "reconnecting", "connected"),  # waiting, trying, there
        "closed",
    ]
    assert closed == [True, 0]


async def test_the_wait_doubles_up_to_20_seconds_while_handshakes_are_refused(run: "Run") -> None:
    """A close before the opening is a refusal; a page never learns its status."""
    waits, messages = await run("""
        const parts = scripted();
        parts.connection.connect();
        for (let attempt = 0; attempt < 9; attempt += 1) {
          await settled();
          await parts.socket.end();
          await parts.clock.advance(parts.waits().at(-1));
        }
        return [parts.waits(), parts.errors().map(({ source }) => source)];
    """)
    assert waits == [300, 600, 1200, 2400, 4800, 9600, 19200, 20000, 20000]
    assert messages == ["connection"] * 9


async def test_the_wait_is_anything_up_to_its_ceiling(run: "Run") -> None:
    """Full jitter: clients that lost the same server don't come back at the same moment."""
    waits = await run("""
        const waits = [];
        for (const chance of [0, 0.5]) {
          const parts = scripted({ random: () => chance });
          parts.connection.connect();
          await settled();
          await parts.socket.end();
          waits.push(...parts.waits());
        }
        return waits;
    """)
    assert waits == [0, 150]


async def test_only_a_connection_that_held_begins_the_back_off_anew(run: "Run") -> None:
    """A server that accepts and closes at once is not hammered."""
    waits = await run("""
        const parts = await connected();
        for (const heldMs of [0, 4_999, 5_000, 0]) {
          await parts.clock.advance(heldMs);
          await parts.socket.end(1000);
          await parts.clock.advance(parts.waits().at(-1));
          await parts.socket.open();
        }
        return parts.waits();
    """)
    assert waits == [300, 600, 300, 600]


async def test_a_handshake_without_answer_is_given_up(run: "Run") -> None:
    """$connect may take 29 s (B-275); what comes later is ignored."""
    early, late, after = await run("""
        const parts = scripted();
        parts.connection.connect();
        await settled();
        const { socket } = parts;
        await parts.clock.advance(29_999);
        const early = parts.connection.state;
        await parts.clock.advance(1);
        const late = [parts.connection.state, socket.isClosed];
        await socket.open();
        return [early, late, parts.connection.state];
    """)
    assert (early, late, after) == ("connecting", ["reconnecting", True], "reconnecting")


@pytest.mark.parametrize("event", ["online", "visibilitychange"])
async def test_the_back_off_is_cut_short_when_there_is_hope(run: "Run", event: str) -> None:
    """The network is back, or somebody looks at the page: tries at once, and only once."""
    counts = await run(f"""
        const parts = await connected();
        await parts.socket.end();
        const counts = [parts.sockets.length];
        const target = {event!r} === "online" ? window : document;
        target.dispatchEvent(new Event({event!r}));
        target.dispatchEvent(new Event({event!r}));
        await settled();
        counts.push(parts.sockets.length);
        await parts.clock.advance(20_000);
        counts.push(parts.sockets.length);
        return counts;
    """)
    assert counts == [1, 2, 2]


async def test_connect_while_waiting_tries_at_once(run: "Run") -> None:
    """A button `try now` is one line; a second call changes nothing."""
    counts = await run("""
        const parts = await connected();
        parts.connection.connect();
        await parts.socket.end();
        parts.connection.connect();
        parts.connection.connect();
        await settled();
        return parts.sockets.length;
    """)
    assert counts == 2


async def test_a_ping_is_sent_before_the_gateway_calls_the_connection_idle(run: "Run") -> None:
    """The limit is 10 minutes (B-270), control frames don't count (B-273), presence wants 9."""
    pings = await run("""
        const { clock, socket } = await connected();
        const pings = [];
        for (let minute = 1; minute <= 60; minute += 1) {
          await clock.advance(60_000);
          for (const request of socket.sent.splice(0)) {
            pings.push([minute, request.action]);
            await socket.reply(request, { at: 0, behind: [] });
          }
        }
        return pings;
    """)
    assert pings == [[minute, "ping"] for minute in range(8, 57, 8)]


async def test_a_server_that_fell_silent_is_left(run: "Run") -> None:
    """The browser can take a dead link for alive; a ping that nothing follows tells."""
    before, after, closed = await run("""
        const { connection, clock, socket } = await connected();
        await clock.advance(480_000 + 29_999);
        const before = connection.state;
        await clock.advance(1);
        return [before, connection.state, socket.isClosed];
    """)
    assert (before, after, closed) == ("connected", "reconnecting", True)


async def test_a_ping_without_reply_is_no_loss_while_something_arrives(run: "Run") -> None:
    """The gateway's own error in place of the reply shows that the link is alive."""
    state = await run("""
        const { connection, clock, socket } = await connected();
        await clock.advance(480_001);
        await socket.say('{"message": "Internal server error"}');
        await clock.advance(30_000);
        return connection.state;
    """)
    assert state == "connected"


async def test_a_connection_long_silent_is_tried_when_the_page_wakes(run: "Run") -> None:
    """After sleep the network may be another one; the answer is awaited for 10 s only."""
    fresh, sent, state = await run("""
        const { connection, clock, socket } = await connected();
        dispatchEvent(new Event("online"));
        const fresh = socket.sent.length;
        await clock.advance(30_000);
        dispatchEvent(new Event("online"));
        await clock.advance(10_000);
        return [fresh, socket.sent.map(({ action }) => action), connection.state];
    """)
    assert (fresh, sent, state) == (0, ["ping"], "reconnecting")


async def test_what_a_server_sends_to_the_user_is_an_event(run: "Run") -> None:
    """It belongs to no channel."""
    found = await run("""
        const { socket, events } = await connected();
        await socket.say({ type: "message", id: "m1", data: { n: 1 }, at: 5 });
        return events.filter(({ type }) => type === "message");
    """)
    assert found == [{"type": "message", "id": "m1", "data": {"n": 1}, "at": 5}]


@pytest.mark.parametrize(
    ("message", "state"),
    [
        ('{ code: 3001, message: "shutdown", reconnect: true }', "reconnecting"),
        ('{ code: 3503, message: "forced", reconnect: false }', "closed"),
        ('{ code: 3005, message: "expired" }', "reconnecting"),
        ('{ code: 3507, message: "permission denied" }', "closed"),
    ],
)
async def test_closing_says_whether_to_come_back(run: "Run", message: str, state: str) -> None:
    """The gateway's close carries no code of ours, so the last message does."""
    result = await run(f"""
        const parts = await connected();
        const message = {message};
        await parts.socket.say({{ type: "closing", ...message }});
        const last = parts.events.findLast(({{ type }}) => type === "state");
        const closings = parts.events.filter(({{ type }}) => type === "closing").length;
        await parts.clock.advance(20_000);
        return [last.state, last.code, last.reason === message.message, closings,
                parts.sockets.length];
    """)
    code = int(message.split()[2].rstrip(","))
    assert result == [state, code, True, 1, 2 if state == "reconnecting" else 1]


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (1000, "reconnecting"),  # DELETE @connections (B-132)
        (1001, "reconnecting"),  # idle, two hours
        (1006, "reconnecting"),
        (3499, "reconnecting"),
        (3500, "closed"),
        (3999, "closed"),
        (4000, "reconnecting"),
    ],
)
async def test_the_close_code_says_whether_to_come_back(run: "Run", code: int, state: str) -> None:
    """3500 to 3999 mean: don't."""
    assert state == await run(f"""
        const parts = await connected();
        await parts.socket.end({code});
        return parts.connection.state;
    """)


async def test_an_address_that_can_never_work_ends_it(run: "Run") -> None:
    """Trying again would not help, so the page is told once."""
    events, timers = await run("""
        const parts = scripted({}, "unusable");
        parts.connection.connect();
        await settled();
        return [parts.events, parts.clock.timers.size];
    """)
    assert events == [
        {"type": "state", "state": "connecting"},
        {"type": "state", "state": "closed", "code": 0, "reason": "not an address"},
        {"type": "error", "source": "connection", "message": "not an address"},
    ]
    assert timers == 0


async def test_a_function_gives_the_address_anew_for_each_attempt(run: "Run") -> None:
    """Tokens expire; a failure to get one is tried again like any other."""
    urls, waits = await run("""
        let count = 0;
        const parts = scripted({}, async () => {
          count += 1;
          if (count === 2) throw new Error("no token");
          return `ws://server/dev?token=${count}`;
        });
        parts.connection.connect();
        await settled();
        await parts.socket.end();
        await parts.clock.advance(300);
        await parts.clock.advance(600);
        await settled();
        return [parts.sockets.map(({ url }) => url), parts.waits()];
    """)
    assert urls == ["ws://server/dev?token=1", "ws://server/dev?token=3"]
    assert waits == [300, 600]


async def test_a_listener_may_close_at_any_event(run: "Run") -> None:
    """Whatever happened, closed stays closed."""
    results = await run("""
        const results = [];
        for (const last of ["connecting", "connected", "reconnecting"]) {
          const parts = scripted();
          parts.connection.subscribe("chat:x", () => {});
          parts.connection.on("state", ({ state }) => state === last && parts.connection.close());
          parts.connection.connect();
          await settled();
          await parts.socket?.open();
          if (parts.connection.state !== "closed") await parts.socket.end();
          await parts.clock.advance(60_000);
          results.push([parts.connection.state, parts.clock.timers.size]);
        }
        return results;
    """)
    assert results == [["closed", 0]] * 3


async def test_only_the_current_link_counts(run: "Run") -> None:
    """What an older one still says is ignored."""
    state, heard = await run("""
        const parts = await connected();
        const heard = [];
        parts.connection.subscribe("chat:x", ({ data }) => heard.push(data));
        const old = parts.socket;
        await old.end();
        await parts.clock.advance(300);
        await parts.socket.open();
        await old.publish("chat:x", "1", "old");
        await old.end(3500);
        return [parts.connection.state, heard];
    """)
    assert (state, heard) == ("connected", [])
