"""Publishing: every subscriber is reached, and what is answered is in the log, once."""

import asyncio
import itertools
import json
from typing import TYPE_CHECKING

import pytest
from msgspec import Raw, structs

from functions.core import history, limits
from functions.core.context import Services
from functions.core.errors import ProtocolError
from functions.core.happenings import Happening
from functions.core.ports import Claim, Conflict, Entry, Gone, Subscription
from functions.core.protocol import Position, Sender
from functions.core.publishing import APPEND_ATTEMPTS, Publish, publish, signal
from tests.dying import Died, Life
from tests.fake_log import MemoryLog
from tests.fake_rows import Rows
from tests.fakes import MemoryTransport
from tests.functions.conftest import START, Clock

if TYPE_CHECKING:
    from tests.conftest import Eventually

ANN = Sender("ann", "a=")


def wanted(data: object = "hi", *, channel: str = "log:a", key: str | None = None) -> Publish:
    """Make what Ann wants to publish."""
    return Publish(channel, Raw(json.dumps(data).encode()), sender=ANN, key=key)


def subscribe(rows: Rows, *connection_ids: str, channel: str = "log:a") -> None:
    """Put connections into a channel."""
    for each in connection_ids:
        rows.subscriptions[channel, each] = Subscription(each, channel, "u", 0, None, 2**40)


def received(transport: MemoryTransport, connection_id: str) -> list[dict[str, object]]:
    """Read what a connection got."""
    return [json.loads(payload) for to, payload in transport.sent if to == connection_id]


def stored(rows: Rows) -> list[object]:
    """Read the data in the log, in order."""
    entries = [rows.entries[place][0].payload for place in sorted(rows.entries)]
    return [json.loads(bytes(payload))["data"] for payload in entries if payload is not None]


async def test_a_publication_reaches_subscribers_as_it_was(
    services: Services, rows: Rows, transport: MemoryTransport
) -> None:
    """One payload, encoded once, the same bytes for all."""
    subscribe(rows, "a=", "b=", channel="plain:a")
    assert await publish(services, wanted({"text": "hi"}, channel="plain:a")) is None
    assert {to for to, _ in transport.sent} == {"a=", "b="}
    assert len({id(payload) for _, payload in transport.sent}) == 1
    assert received(transport, "a=") == [
        {
            "type": "publication",
            "id": "id-1",
            "channel": "plain:a",
            "data": {"text": "hi"},
            "from": {"user": "ann", "connection": "a="},
            "at": 1_800_000_000_500,
        }
    ]
    assert rows.entries == {}


async def test_with_history_it_has_its_position_and_is_kept(
    services: Services, rows: Rows, transport: MemoryTransport
) -> None:
    """The very bytes that were sent, for as long as the namespace says."""
    subscribe(rows, "a=")
    first = await publish(services, wanted(1))
    second = await publish(services, wanted(2))
    assert first is not None
    assert second == Position(first.epoch, 2)
    [one, two] = received(transport, "a=")
    assert (one["epoch"], one["offset"], two["offset"]) == (first.epoch, 1, 2)
    entry, expires_at = rows.entries["log:a", first.epoch, 1]
    assert entry == Entry(1, Raw(transport.sent[0][1]), START)
    assert expires_at == int(START) + 100
    assert rows.heads["log:a"][1] == int(START) + 100 + limits.HEAD_OUTLIVES_S


async def test_a_server_publishes_as_nobody(
    services: Services, rows: Rows, transport: MemoryTransport
) -> None:
    """There is no `from`."""
    subscribe(rows, "a=")
    await publish(services, structs.replace(wanted(), sender=None))
    assert "from" not in received(transport, "a=")[0]


async def test_without_echo_the_sender_is_left_out(
    services: Services, rows: Rows, transport: MemoryTransport
) -> None:
    """Every other subscriber still gets it, and the log too."""
    subscribe(rows, "a=", "b=")
    await publish(services, structs.replace(wanted(), leave_out="a="))
    assert [to for to, _ in transport.sent] == ["b="]
    assert stored(rows) == ["hi"]


async def test_data_may_have_the_limits_bytes_and_no_more(services: Services, rows: Rows) -> None:
    """28 KiB as encoded by the client, and nothing is stored of more."""
    await publish(services, Publish("log:a", Raw(b"1" * limits.DATA_BYTES_MAX)))
    too_long = Publish("log:a", Raw(b"1" * (limits.DATA_BYTES_MAX + 1)))
    with pytest.raises(ProtocolError, match="106 data: it has 28673 bytes"):
        await publish(services, too_long)
    with pytest.raises(ProtocolError, match="106 data: it has 28673 bytes"):
        await signal(services, structs.replace(too_long, channel="live:a"))
    assert len(rows.entries) == 1


@pytest.mark.parametrize(
    ("channel", "code"), [("none:a", "102"), ("bad", "107"), ("x" * 129, "106")]
)
async def test_a_channel_has_to_be_one(services: Services, channel: str, code: str) -> None:
    """A name, of a namespace that there is."""
    with pytest.raises(ProtocolError, match=code):
        await publish(services, wanted(channel=channel))


async def test_a_signal_leaves_nothing_behind(
    services: Services, rows: Rows, transport: MemoryTransport
) -> None:
    """Not even where the namespace keeps history."""
    subscribe(rows, "a=")
    await signal(services, wanted())
    assert received(transport, "a=")[0]["data"] == "hi"
    assert (rows.entries, rows.heads) == ({}, {})


async def test_whoever_is_gone_is_forgotten(
    services: Services, rows: Rows, transport: MemoryTransport
) -> None:
    """410 is the only word for it."""
    subscribe(rows, "a=", "b=")
    transport.outcomes = {"b=": Gone()}
    await publish(services, wanted())
    assert list(rows.subscriptions) == [("log:a", "a=")]


async def test_a_key_publishes_once(
    services: Services, rows: Rows, transport: MemoryTransport, clock: Clock
) -> None:
    """Within five minutes; the repetition gets the first one's position, whatever it holds."""
    subscribe(rows, "a=")
    first = await publish(services, wanted(1, key="k"))
    clock.now += limits.KEY_LIFETIME_S - 1
    assert await publish(services, wanted(2, key="k")) == first
    assert (stored(rows), len(transport.sent), clock.slept) == ([1], 1, [])
    clock.now += 1
    again = await publish(services, wanted(3, key="k"))
    assert (again, first) == (Position("id-2", 2), Position("id-2", 1))


async def test_a_key_is_its_users(services: Services, rows: Rows) -> None:
    """Another user's, another channel's and a server's are others."""
    await publish(services, wanted(1, key="k"))
    await publish(services, structs.replace(wanted(2, key="k"), sender=Sender("bob", "b=")))
    await publish(services, structs.replace(wanted(3, key="k"), sender=None))
    await publish(services, wanted(4, key="k", channel="log:b"))
    await publish(services, structs.replace(wanted(5, key="k"), sender=Sender("ann", "c=")))
    assert stored(rows) == [1, 2, 3, 4]


async def test_of_twenty_at_once_with_one_key_one_publishes(services: Services, rows: Rows) -> None:
    """And all get its position."""
    positions = await asyncio.gather(*(publish(services, wanted(key="k")) for _ in range(20)))
    assert len(set(map(str, positions))) == 1
    assert stored(rows) == ["hi"]


async def test_a_second_waits_a_second_for_the_first(services: Services, clock: Clock) -> None:
    """Then it is told to try later."""
    await services.store.log.claim(
        Claim("log:a", "ann", "k", "other"), expires_at=2**40, now=clock.now
    )
    with pytest.raises(ProtocolError, match="111 another request with this key"):
        await publish(services, wanted(key="k"))
    assert sum(clock.slept) == pytest.approx(limits.CLAIM_WAIT_S)


async def test_a_second_that_waits_gets_the_firsts_position(
    services: Services, rows: Rows, transport: MemoryTransport, eventually: "Eventually"
) -> None:
    """Without reaching anybody again, as the first one ends meanwhile."""
    subscribe(rows, "a=")
    transport.hanging["a="] = asyncio.Event()
    first = asyncio.create_task(publish(services, wanted(key="k")))
    await eventually(lambda: rows.entries)
    second = asyncio.create_task(publish(services, wanted(key="k")))
    await asyncio.sleep(0)
    transport.hanging["a="].set()
    assert await second == await first
    assert len(transport.sent) == 1


async def test_a_claim_is_taken_over_after_ten_seconds(
    services: Services, rows: Rows, clock: Clock
) -> None:
    """Whoever claimed it has died; if he hasn't, he has lost the key."""
    lost = Claim("log:a", "ann", "k", "lost")
    await services.store.log.claim(lost, expires_at=2**40, now=clock.now)
    clock.now += limits.CLAIM_TIMEOUT_S
    assert await publish(services, wanted(key="k")) is not None

    class Slow(MemoryLog):
        """A log in which others are faster between claiming and storing."""

        async def append(self, *args: object, **kwargs: object) -> None:
            clock.now += limits.CLAIM_TIMEOUT_S
            other = Claim("log:a", "ann", "k2", "other")
            await self.claim(other, expires_at=2**40, now=clock.now)
            await super().append(*args, **kwargs)  # type: ignore[arg-type]

    with pytest.raises(ProtocolError, match="111 another request has this key"):
        await publish(_with_log(services, Slow(rows)), wanted(key="k2"))
    assert stored(rows) == ["hi"]


async def test_a_place_that_was_closed_is_left_for_another(services: Services, rows: Rows) -> None:
    """A late writer takes a new offset, with a key or without."""

    class Closing(MemoryLog):
        """A log whose readers close every place but the third."""

        async def next_position(self, *args: object, **kwargs: object) -> Position:
            position = await super().next_position(*args, **kwargs)  # type: ignore[arg-type]
            if position.offset % 3:
                await self.close_hole(
                    "log:a", position.epoch, position.offset, at=START, expires_at=2**40
                )
            return position

    closing = _with_log(services, Closing(rows))
    for number, key in enumerate((None, "k"), 1):
        position = await publish(closing, wanted(key=key))
        assert position is not None
        assert position.offset == number * 3
        [payload] = [
            entry.payload for place, (entry, _) in rows.entries.items() if place[2] == number * 3
        ]
        assert payload is not None
        assert json.loads(bytes(payload))["offset"] == number * 3


async def test_who_never_gets_a_place_is_told_to_try_again(services: Services, rows: Rows) -> None:
    """111, as for any conflict that lasts."""

    class Closed(MemoryLog):
        """A log in which no place is left open."""

        async def append(self, *args: object, **kwargs: object) -> None:
            await super().close_hole("log:a", "id-1", args[2].offset, at=0, expires_at=2**40)  # type: ignore[attr-defined]
            await super().append(*args, **kwargs)  # type: ignore[arg-type]

    with pytest.raises(ProtocolError, match="111 others keep publishing"):
        await publish(_with_log(services, Closed(rows)), wanted())
    assert len(rows.entries) == APPEND_ATTEMPTS

    class Contended(MemoryLog):
        """A log whose head others keep writing."""

        async def next_position(self, *args: object, **kwargs: object) -> Position:
            raise Conflict

    with pytest.raises(ProtocolError, match="111 others keep publishing"):
        await publish(_with_log(services, Contended(rows)), wanted())


async def test_what_died_in_its_fan_out_is_sent_again_as_it_was(
    services: Services, rows: Rows, transport: MemoryTransport, clock: Clock
) -> None:
    """Under the same position; the repetition's own data does not count."""
    subscribe(rows, "b=")
    transport.outcomes["b="] = RuntimeError("unreachable")
    with pytest.raises(Died):
        await publish(Life(7).live(services), wanted("first", key="k"))
    transport.outcomes.clear()
    position = await publish(services, wanted("second", key="k"))
    assert [each["data"] for each in received(transport, "b=")][-1] == "first"
    assert position is not None
    assert received(transport, "b=")[-1]["offset"] == position.offset == 1
    assert sum(clock.slept) == pytest.approx(limits.CLAIM_WAIT_S)


async def test_a_kill_between_any_two_steps_is_completed_by_a_repetition(
    services: Services,
    rows: Rows,
    transport: MemoryTransport,
    clock: Clock,
    *,
    happenings: list[Happening],
) -> None:
    """One publication in the log, under the position answered, that everybody got."""
    for moment in itertools.count():
        channel = f"told:{moment}"
        subscribe(rows, "a=", "b=", channel=channel)
        asked = wanted(moment, channel=channel, key="k")
        try:
            await publish(Life(moment).live(services), asked)
        except Died:
            clock.now += limits.CLAIM_TIMEOUT_S
        else:
            break
        position = await publish(services, asked)
        assert position == await publish(services, asked)
        clock.now += limits.HOLE_TIMEOUT_S
        found = await history.page(services, channel, since=None, limit=9, reverse=False)
        [kept] = map(json.loads, map(bytes, found.publications))
        assert Position(kept["epoch"], kept["offset"]) == position
        assert kept["data"] == moment
        for each in ("a=", "b="):
            assert kept in received(transport, each)
        assert ("published", channel) in {(each.kind, each.channel) for each in happenings}
    assert moment == 2 * len(["claim", "position", "append", "read", "a=", "b=", "mark"])


async def test_a_kill_at_any_moment_leaves_a_log_that_goes_on(
    services: Services, rows: Rows, clock: Clock
) -> None:
    """What was answered is in it, and the holes that were left get closed."""
    answered = []
    for moment in range(1, 2 * len(["position", "append", "read"])):
        with pytest.raises(Died):
            await publish(Life(moment).live(services), wanted(moment))
        answered.append(await publish(services, wanted("next")))
    clock.now += limits.HOLE_TIMEOUT_S
    found = await history.page(services, "log:a", since=None, limit=99, reverse=False)
    kept = [json.loads(bytes(each)) for each in found.publications]
    places = [Position(each["epoch"], each["offset"]) for each in kept if each["data"] == "next"]
    assert places == answered
    assert found.position == rows.heads["log:a"][0].position


def _with_log(services: Services, log: MemoryLog) -> Services:
    return structs.replace(services, store=structs.replace(services.store, log=log))
