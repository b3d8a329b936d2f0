"""web/client/following.js and stream.js through a Connection: gaps, recovery, history, silence."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import Run

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]


async def test_publications_come_out_in_order_and_once(run: "Run") -> None:
    """What overtakes another is held; a repeat is known by its offset. Nothing is asked for."""
    heard, sent = await run("""
        const { clock, socket, heard } = await following(5);
        await socket.bring(7, 8, 8, 6, 7, 9);
        await clock.advance(29_000);
        return [heard, socket.sent.length];
    """)
    assert heard == [6, 7, 8, 9]
    assert sent == 1


async def test_what_was_on_its_way_while_the_subscription_began_comes_late(run: "Run") -> None:
    """Its place was taken before and its fan-out came after: late is better than never."""
    heard = await run("""
        const { socket, heard } = await following(5);
        await socket.bring(6, 5, 5);
        return heard;
    """)
    assert heard == [6, 5]


async def test_a_gap_that_stays_is_asked_for(run: "Run") -> None:
    """After a moment in which it may close by itself, with `history` since the last in order."""
    early, asked, held, heard = await run("""
        const { clock, socket, heard, asked } = await following(5);
        await socket.bring(6, 8, 9);
        await clock.advance(299);
        const early = socket.sent.length;
        await clock.advance(1);
        const held = [...heard];
        await socket.tell(9, [7, 8, 9]);
        await socket.bring(9, 10);
        return [early, asked(), held, heard];
    """)
    assert early == 1
    assert asked == {
        "action": "history",
        "id": 2,
        "channel": "chat:x",
        "since": {"epoch": "e", "offset": 6},
    }
    assert (held, heard) == ([6], [6, 7, 8, 9, 10])


async def test_the_offset_of_the_reply_passes_over_places_that_stay_empty(run: "Run") -> None:
    """A hole whose writer died is closed: nothing will come there."""
    heard, sent = await run("""
        const { clock, socket, heard } = await following(5);
        await socket.bring(9);
        await clock.advance(300);
        await socket.tell(9, [7, 9]);
        await socket.bring(10);
        await clock.advance(20_000);
        return [heard, socket.sent.length];
    """)
    assert (heard, sent) == ([7, 9, 10], 2)


async def test_what_lies_beyond_an_open_hole_is_held_and_asked_about_less_and_less(
    run: "Run",
) -> None:
    """Its writer may still live; the server closes it after 5 s."""
    held, times, heard = await run("""
        const { clock, socket, heard } = await following(5);
        await socket.bring(7);
        const times = [];
        for (let round = 0; round < 3; round += 1) {
          while (socket.sent.length < round + 2) await clock.advance(100);
          times.push(clock.time);
          await socket.tell(5, [7, 8]);
        }
        const held = [...heard];
        await socket.bring(6);
        return [held, times, heard];
    """)
    assert (held, heard) == ([], [6, 7, 8])
    assert times == [300, 1200, 2700]


async def test_with_more_the_log_is_read_on_while_live_publications_wait(run: "Run") -> None:
    """Only the last page makes the stream whole."""
    recover, since, early, heard, told = await run("""
        const parts = await following(5);
        await parts.again();
        const [{ recover }] = parts.asked().channels;
        parts.events.length = 0;
        await parts.socket.subscribed(7, [6, 7], { recovered: true, more: true });
        const { since } = parts.asked();
        await parts.socket.bring(11, 12);
        const early = [[...parts.heard], parts.isWhole()];
        await parts.socket.tell(10, [8, 9, 10]);
        return [recover, since, early, parts.heard, parts.named("subscribed")];
    """)
    assert recover == {"epoch": "e", "offset": 5}
    assert since == {"epoch": "e", "offset": 7}
    assert early == [[6, 7], False]
    assert heard == [6, 7, 8, 9, 10, 11, 12]
    assert told == [
        {
            "type": "subscribed",
            "channel": "chat:x",
            "recovered": True,
            "position": {"epoch": "e", "offset": 12},
        }
    ]


async def test_a_recovery_that_came_too_late_is_told_with_the_new_position(run: "Run") -> None:
    """`broken` comes before what follows; nothing of it is passed off as whole."""
    order = await run("""
        const parts = await following(5);
        const order = [];
        parts.connection.on("broken", ({ since, position }) => order.push([since, position]));
        parts.connection.on("subscribed", ({ recovered }) => order.push(recovered));
        await parts.again();
        await parts.socket.subscribed(60, [], { recovered: false, more: false });
        await parts.socket.bring(61);
        return [...order, parts.heard];
    """)
    assert order == [
        [{"epoch": "e", "offset": 5}, {"epoch": "e", "offset": 60}],
        False,
        [61],
    ]


@pytest.mark.parametrize("code", [112, 103, 108])
async def test_where_history_gives_no_answer_subscribing_again_does(run: "Run", code: int) -> None:
    """What is missing is not kept any more, or the user may subscribe but not read history."""
    actions, broken, heard = await run(f"""
        const parts = await following(5);
        await parts.socket.bring(7);
        await parts.clock.advance(300);
        const error = {{ code: {code}, message: "no", temporary: false }};
        await parts.socket.reply(parts.asked(), error, false);
        const actions = parts.socket.sent.map(({{ action }}) => action);
        const recovered = {code} !== 112;
        await parts.socket.subscribed(7, recovered ? [6, 7] : [], {{ recovered }});
        await parts.socket.bring(8);
        return [actions, parts.named("broken").length, parts.heard];
    """)
    assert actions == ["subscribe", "history", "subscribe"]
    assert broken == (1 if code == 112 else 0)
    assert heard == ([7, 8] if code == 112 else [6, 7, 8])


async def test_a_publication_of_another_epoch_asks_the_server_which_one_lasts(
    run: "Run",
) -> None:
    """The head of the log was lost: offsets begin anew, and none is taken for an old one."""
    recover, broken, heard = await run("""
        const parts = await following(5);
        await parts.socket.say({ ...publicationAt(1, "new"), data: "new" });
        const [{ recover }] = parts.asked().channels;
        const result = { channel: "chat:x", epoch: "new", offset: 1, recovered: false };
        await parts.socket.reply(parts.asked(), { channels: [result] });
        await parts.socket.say(publicationAt(2, "new"));
        await parts.socket.bring(6);
        return [recover, parts.named("broken")[0].position, parts.heard];
    """)
    assert recover == {"epoch": "e", "offset": 5}
    assert broken == {"epoch": "new", "offset": 1}
    assert heard == [1, 2]


async def test_a_temporary_failure_of_history_is_tried_again(run: "Run") -> None:
    """The page hears nothing of it."""
    early, heard, errors = await run("""
        const parts = await following(5);
        await parts.socket.bring(7);
        await parts.clock.advance(300);
        const error = { code: 111, message: "slow down", temporary: true };
        await parts.socket.reply(parts.asked(), error, false);
        const early = parts.socket.sent.length;
        await parts.clock.advance(900);
        await parts.socket.tell(7, [6, 7]);
        return [early, parts.heard, parts.errors()];
    """)
    assert (early, heard, errors) == (2, [6, 7], [])


async def test_a_subscription_can_begin_with_what_is_kept(run: "Run") -> None:
    """A short log is read from its beginning; what comes live meanwhile waits."""
    asked, early, heard, whole = await run("""
        const parts = await following(3, { history: 100 });
        const asked = parts.asked();
        await parts.socket.bring(4);
        const early = [[...parts.heard], parts.isWhole()];
        await parts.socket.tell(3, [1, 3]);
        return [asked, early, parts.heard, parts.isWhole()];
    """)
    assert asked == {"action": "history", "id": 2, "channel": "chat:x"}
    assert early == [[], False]
    assert (heard, whole) == ([1, 3, 4], True)


async def test_only_the_end_of_a_long_log_is_read(run: "Run") -> None:
    """Backwards, so that the rest costs nothing; handed out forwards."""
    asked, heard = await run("""
        const parts = await following(500, { history: 3 });
        const asked = [parts.asked()];
        await parts.socket.tell(499, [500, 499], { more: true });
        asked.push(parts.asked());
        await parts.socket.tell(498, [498], { more: true });
        await parts.socket.bring(501);
        return [asked, parts.heard];
    """)
    since = {"epoch": "e", "offset": 499}
    wanted = {"action": "history", "channel": "chat:x", "reverse": True}
    assert asked == [
        {**wanted, "id": 2, "limit": 3},
        {**wanted, "id": 3, "limit": 1, "since": since},
    ]
    assert heard == [498, 499, 500, 501]


async def test_who_may_not_read_history_begins_now(run: "Run") -> None:
    """The subscription holds, without the past."""
    heard, whole, ended = await run("""
        const parts = await following(5, { history: 100 });
        const error = { code: 103, message: "permission denied", temporary: false };
        await parts.socket.reply(parts.asked(), error, false);
        await parts.socket.bring(6);
        return [parts.heard, parts.isWhole(), parts.named("unsubscribed")];
    """)
    assert (heard, whole, ended) == ([6], True, [])


async def test_a_page_can_go_on_where_it_once_was(run: "Run") -> None:
    """`since` is a position that the page kept."""
    recover, heard = await run("""
        const { connection, socket } = await connected();
        const heard = [];
        const since = { epoch: "e", offset: 3 };
        connection.subscribe("chat:x", ({ offset }) => heard.push(offset), { since });
        await socket.subscribed(5, [4, 5], { recovered: true, more: false });
        return [socket.sent[0].channels[0].recover, heard];
    """)
    assert (recover, heard) == ({"epoch": "e", "offset": 3}, [4, 5])


async def test_the_last_value_comes_with_the_subscription(run: "Run") -> None:
    """A namespace that delivers its last value gives it to every new subscriber."""
    heard = await run("""
        const { connection, socket } = await connected();
        const heard = [];
        connection.subscribe("chat:x", ({ offset }) => heard.push(offset));
        await socket.subscribed(9, [9]);
        await socket.bring(9, 10);
        return heard;
    """)
    assert heard == [9, 10]


async def test_a_last_value_that_did_not_fit_is_fetched(run: "Run") -> None:
    """The reply says `more` instead."""
    asked, heard = await run("""
        const { connection, socket } = await connected();
        const heard = [];
        connection.subscribe("chat:x", ({ offset }) => heard.push(offset));
        await socket.subscribed(9, [], { more: true });
        const asked = socket.sent[1];
        await socket.tell(9, [9], { more: true });
        return [asked, heard];
    """)
    assert (asked["limit"], asked["reverse"]) == (1, True)
    assert heard == [9]


async def test_what_the_page_published_itself_without_echo_is_no_gap(run: "Run") -> None:
    """Its place is known from the reply, and it does not come back through history either."""
    heard, sent, recover, again = await run("""
        const parts = await following(5);
        const { connection, socket } = parts;
        for (const offset of [6, 8]) {
          connection.publish("chat:x", "mine", { echo: false });
          await socket.reply(parts.asked(), { epoch: "e", offset });
        }
        await parts.clock.advance(299);
        const sent = socket.sent.length;
        const heard = [...parts.heard];
        await parts.again();
        const [{ recover }] = parts.asked().channels;
        await parts.socket.subscribed(9, [7, 8, 9], { recovered: true, more: false });
        return [heard, sent, recover.offset, parts.heard];
    """)
    assert (heard, sent, recover) == ([], 3, 6)
    assert again == [7, 9]


async def test_after_30_seconds_of_silence_a_ping_carries_the_positions(run: "Run") -> None:
    """The last publication before a pause can be lost with nothing after it to show the gap."""
    early, ping, asked, heard, later = await run("""
        const parts = await following(5);
        const { clock, socket } = parts;
        await clock.advance(10_000);
        await socket.bring(6);
        await clock.advance(29_999);
        const early = socket.sent.length;
        await clock.advance(1);
        const ping = parts.asked();
        await socket.reply(ping, { at: 0, behind: ["chat:x"] });
        const asked = parts.asked();
        await socket.tell(7, [7]);
        await clock.advance(30_000);
        return [early, ping, asked, parts.heard, parts.asked().positions["chat:x"].offset];
    """)
    assert early == 1
    position = {"epoch": "e", "offset": 6}
    assert ping == {"action": "ping", "id": 2, "positions": {"chat:x": position}}
    assert (asked["action"], asked["since"]) == ("history", position)
    assert (heard, later) == ([6, 7], 7)


async def test_without_history_silence_is_nothing_to_ask_about(run: "Run") -> None:
    """Only the ping that keeps the connection is sent."""
    sent = await run("""
        const { connection, clock, socket } = await connected();
        connection.subscribe("game:x", () => {});
        await socket.confirm(socket.sent[0]);
        await clock.advance(400_000);
        return socket.sent.length;
    """)
    assert sent == 1


async def test_unsubscribing_in_the_middle_of_a_catch_up_ends_it(run: "Run") -> None:
    """Neither what was asked for nor what is held reaches the page any more."""
    heard, timers = await run("""
        const parts = await following(5);
        await parts.socket.bring(7);
        await parts.clock.advance(300);
        const [, asked] = parts.socket.sent;
        parts.connection.unsubscribe("chat:x");
        await parts.socket.reply(asked, { epoch: "e", offset: 7, publications: [], more: true });
        await parts.socket.bring(6);
        await parts.socket.reply(parts.asked());
        const sent = parts.socket.sent.length;
        await parts.clock.advance(20_000);
        return [parts.heard, parts.socket.sent.length - sent];
    """)
    assert (heard, timers) == ([], 0)
