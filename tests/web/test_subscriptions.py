"""web/client/subscriptions.js through a Connection: wanting, confirming, repeats, ends."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import Run

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]


async def test_a_subscription_waits_for_the_connection_and_for_the_reply(run: "Run") -> None:
    """Subscribing before connecting is fine."""
    sent, before, after = await run("""
        const parts = scripted();
        const outcome = outcomeOf(parts.connection.subscribe("chat:x", () => {}));
        parts.connection.connect();
        await settled();
        await parts.socket.open();
        const before = { ...outcome };
        await parts.socket.confirm(parts.socket.sent[0]);
        return [parts.socket.sent, before, "value" in outcome];
    """)
    assert sent == [{"action": "subscribe", "id": 1, "channels": [{"channel": "chat:x"}]}]
    assert before == {}
    assert after is True


async def test_after_a_reconnect_all_channels_are_subscribed_to_again(run: "Run") -> None:
    """In requests of at most 20 channels, one after the other."""
    first, second, confirmed = await run("""
        const parts = scripted();
        for (let n = 0; n < 25; n += 1) parts.connection.subscribe(`chat:${n}`, () => {});
        const talk = async () => {
          await settled();
          const { socket } = parts;
          await socket.open();
          const sizes = [];
          while (socket.sent.length > sizes.length) {
            const request = socket.sent[sizes.length];
            sizes.push(request.channels.length);
            await socket.confirm(request);
          }
          return sizes;
        };
        parts.connection.connect();
        const first = await talk();
        await parts.socket.end(1001);
        await parts.clock.advance(300);
        const second = await talk();
        return [first, second, parts.events.filter(({ type }) => type === "subscribed").length];
    """)
    assert first == second == [20, 5]
    assert confirmed == 50


async def test_publications_before_the_confirmation_are_taken(run: "Run") -> None:
    """The publication may overtake the reply (B-290)."""
    heard = await run("""
        const { connection, socket } = await connected();
        const heard = [];
        connection.subscribe("chat:x", ({ data }) => heard.push(data));
        await socket.publish("chat:x", "1", "early");
        await socket.confirm(socket.sent[0]);
        await socket.publish("chat:x", "2", "late");
        await socket.publish("chat:y", "3", "another channel's");
        return heard;
    """)
    assert heard == ["early", "late"]


async def test_repeats_are_dropped_even_across_a_reconnect(run: "Run") -> None:
    """Delivery may repeat; a publication is known by its id."""
    heard = await run("""
        const parts = await connected();
        const heard = [];
        parts.connection.subscribe("chat:x", ({ id }) => heard.push(id));
        await parts.socket.publish("chat:x", "1");
        await parts.socket.publish("chat:x", "1");
        await parts.socket.end();
        await parts.clock.advance(300);
        await parts.socket.open();
        await parts.socket.publish("chat:x", "1");
        await parts.socket.publish("chat:x", "2");
        return heard;
    """)
    assert heard == ["1", "2"]


async def test_the_memory_for_repeats_is_bounded(run: "Run") -> None:
    """The oldest id is forgotten first."""
    heard = await run("""
        const { connection, socket } = await connected({ publicationIdsMax: 2 });
        const heard = [];
        connection.subscribe("chat:x", ({ id }) => heard.push(id));
        for (const id of ["1", "2", "3", "2", "1"]) await socket.publish("chat:x", id);
        return heard;
    """)
    assert heard == ["1", "2", "3", "1"]


async def test_what_arrives_after_unsubscribe_is_ignored(run: "Run") -> None:
    """The server hears of it, and what was on its way is dropped."""
    heard, sent, outcome = await run("""
        const { connection, socket } = await connected();
        const heard = [];
        connection.subscribe("chat:x", ({ data }) => heard.push(data));
        await socket.confirm(socket.sent[0]);
        const outcome = outcomeOf(connection.unsubscribe("chat:x"));
        await socket.publish("chat:x", "1", "late");
        await socket.reply(socket.sent[1]);
        return [heard, socket.sent[1], "value" in outcome];
    """)
    assert heard == []
    assert sent == {"action": "unsubscribe", "id": 2, "channel": "chat:x"}
    assert outcome is True


async def test_requests_about_one_channel_wait_for_each_other(run: "Run") -> None:
    """Messages of one connection run concurrently: two at once could overtake each other."""
    steps, rejected = await run("""
        const { connection, socket } = await connected();
        const rejected = outcomeOf(connection.subscribe("chat:x", () => {}));
        connection.unsubscribe("chat:x");
        connection.subscribe("chat:x", () => {});
        await settled();
        const steps = [socket.sent.map(({ action }) => action)];
        await socket.confirm(socket.sent[0]);
        steps.push(socket.sent.slice(1).map(({ action }) => action));
        await socket.reply(socket.sent[1]);
        steps.push(socket.sent.slice(2).map(({ action }) => action));
        return [steps, rejected];
    """)
    assert steps == [["subscribe"], ["unsubscribe"], ["subscribe"]]
    assert rejected["code"] == "unsubscribed"


async def test_a_second_subscribe_replaces_the_listener(run: "Run") -> None:
    """A channel has one listener and one subscription on the server."""
    heard, requests = await run("""
        const { connection, socket } = await connected();
        const heard = [];
        connection.subscribe("chat:x", () => heard.push("first"));
        connection.subscribe("chat:x", () => heard.push("second"));
        await socket.publish("chat:x", "1");
        return [heard, socket.sent.length];
    """)
    assert (heard, requests) == (["second"], 1)


async def test_a_refused_channel_is_reported_and_the_others_are_kept(run: "Run") -> None:
    """Each channel of a request has a result of its own."""
    good, bad, events, again = await run("""
        const parts = scripted();
        const good = outcomeOf(parts.connection.subscribe("chat:x", () => {}));
        const bad = outcomeOf(parts.connection.subscribe("nope:x", () => {}));
        parts.connection.connect();
        await settled();
        await parts.socket.open();
        const error = { code: 102, message: "unknown namespace", temporary: false };
        const channels = [{ channel: "chat:x" }, { channel: "nope:x", error }];
        await parts.socket.reply(parts.socket.sent[0], { channels });
        await parts.socket.end();
        await parts.clock.advance(300);
        await parts.socket.open();
        const events = parts.events.filter(({ type }) => type === "unsubscribed");
        return ["value" in good, bad, events, parts.socket.sent[0].channels];
    """)
    assert good is True
    assert (bad["code"], bad["temporary"]) == (102, False)
    assert events == [
        {"type": "unsubscribed", "channel": "nope:x", "code": 102, "message": "unknown namespace"}
    ]
    assert again == [{"channel": "chat:x"}]


async def test_a_temporary_refusal_is_tried_again_after_a_while(run: "Run") -> None:
    """The wait grows like that of the connection; the page hears nothing of it."""
    counts, outcome, errors = await run("""
        const { connection, clock, socket, errors } = await connected();
        const outcome = outcomeOf(connection.subscribe("chat:x", () => {}));
        const error = { code: 111, message: "conflict", temporary: true };
        const counts = [];
        for (const waitMs of [300, 600]) {
          await socket.reply(socket.sent.at(-1), error, false);
          await clock.advance(waitMs - 1);
          counts.push(socket.sent.length);
          await clock.advance(1);
          counts.push(socket.sent.length);
        }
        await socket.confirm(socket.sent.at(-1));
        return [counts, "value" in outcome, errors()];
    """)
    assert counts == [1, 2, 2, 3]
    assert (outcome, errors) == (True, [])


async def test_a_subscription_that_the_server_ended_stays_ended(run: "Run") -> None:
    """`unsubscribed` is reported with its reason, and a reconnect does not bring it back."""
    events, sent = await run("""
        const parts = await connected();
        parts.connection.subscribe("chat:x", () => {});
        await parts.socket.confirm(parts.socket.sent[0]);
        const ended = { channel: "chat:x", code: 103, message: "permission denied" };
        await parts.socket.say({ type: "unsubscribed", ...ended });
        await parts.socket.end();
        await parts.clock.advance(300);
        await parts.socket.open();
        return [parts.events.filter(({ type }) => type === "unsubscribed"), parts.socket.sent];
    """)
    assert events == [
        {"type": "unsubscribed", "channel": "chat:x", "code": 103, "message": "permission denied"}
    ]
    assert sent == []


async def test_a_listener_that_fails_does_not_keep_the_next_publication_away(run: "Run") -> None:
    """Its error is shown as the page's own, and the connection goes on."""
    heard, reported = await run("""
        const { connection, socket } = await connected();
        const reported = [];
        addEventListener("error", (event) => {
          event.preventDefault();
          reported.push(event.error.message);
        });
        const heard = [];
        connection.subscribe("chat:x", ({ data }) => {
          heard.push(data);
          throw new Error(`failed on ${data}`);
        });
        await socket.publish("chat:x", "1");
        await socket.publish("chat:x", "2");
        return [heard, reported];
    """)
    assert heard == ["1", "2"]
    assert reported == ["failed on 1", "failed on 2"]


async def test_an_unsubscribe_ends_with_the_connection(run: "Run") -> None:
    """The server forgets the subscription with its connection, so nothing is left to ask for."""
    done, sent, errors = await run("""
        const parts = await connected();
        parts.connection.subscribe("chat:x", () => {});
        await parts.socket.confirm(parts.socket.sent[0]);
        const outcome = outcomeOf(parts.connection.unsubscribe("chat:x"));
        await parts.socket.end();
        await parts.clock.advance(300);
        await parts.socket.open();
        return ["value" in outcome, parts.socket.sent, parts.errors()];
    """)
    assert (done, sent, errors) == (True, [], [])


async def test_a_subscribe_that_was_lost_on_the_way_is_sent_at_once_again(run: "Run") -> None:
    """The loss of the connection is no refusal: nothing waits, and nothing is reported."""
    actions, events = await run("""
        const parts = await connected();
        parts.connection.subscribe("chat:x", () => {});
        await parts.socket.end();
        await parts.clock.advance(300);
        await parts.socket.open();
        const isEnd = ({ type }) => type === "unsubscribed" || type === "error";
        return [parts.socket.sent.map(({ action }) => action), parts.events.filter(isEnd)];
    """)
    assert (actions, events) == (["subscribe"], [])


async def test_what_was_never_sent_needs_no_unsubscribe(run: "Run") -> None:
    """Wanting and not wanting a channel before there is a connection costs no request."""
    sent, rejected = await run("""
        const parts = scripted();
        const rejected = outcomeOf(parts.connection.subscribe("chat:x", () => {}));
        await parts.connection.unsubscribe("chat:x");
        parts.connection.connect();
        await settled();
        await parts.socket.open();
        return [parts.socket.sent, rejected];
    """)
    assert sent == []
    assert rejected["code"] == "unsubscribed"
