"""Streams that survive broken links: recovery as a client lives it, over an atomic table."""

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from tests.e2e.peers import as_user, peer
from tests.e2e.streams import Follower, UnrecoverableError, following, template_for_streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import RunningEmulator

pytestmark = [pytest.mark.dynoxide, pytest.mark.xdist_group("streams")]

PUBLICATIONS = 2000
CUTS = 200
PUBLISHERS = 6
LAG_MAX = 700
"""Publications by which the follower may fall behind before publishers wait: 1,000 are kept."""


@pytest.fixture(scope="module")
def emulator(
    tmp_path_factory: pytest.TempPathFactory, dynoxide_endpoint: str
) -> "Iterator[RunningEmulator]":
    """A template whose namespace `stream` keeps 1,000 publications, `short` ten."""
    folder = tmp_path_factory.mktemp("streams")
    with template_for_streams(folder, dynoxide_endpoint, "recovery") as running:
        yield running


class Stream:
    """What is published to one channel, and which place each publication got."""

    def __init__(self, emulator: "RunningEmulator", channel: str) -> None:
        self._emulator = emulator
        self._channel = channel
        self._left = iter(range(PUBLICATIONS))
        self._grown = asyncio.Condition()
        self.places: dict[int, int] = {}

    async def publish_all(self, follower: Follower) -> None:
        """Publish from several connections at once, no further than the history covers."""
        await asyncio.gather(*(self._publish_some(follower, n) for n in range(PUBLISHERS)))

    async def reaches(self, number: int) -> None:
        """Wait until so many are published."""
        async with self._grown:
            await self._grown.wait_for(lambda: len(self.places) >= number)

    async def _publish_some(self, follower: Follower, number: int) -> None:
        async with peer(as_user(self._emulator, f"publisher-{number}")) as publisher:
            for data in self._left:
                place = await publisher.result(action="publish", channel=self._channel, data=data)
                self.places[place["offset"]] = data
                async with self._grown:
                    self._grown.notify_all()
                await follower.follow_until(len(self.places) - LAG_MAX)


async def test_a_client_cut_off_two_hundred_times_has_exactly_the_stream(
    emulator: "RunningEmulator",
) -> None:
    """In its handshake, while it recovers or while it listens: each publication once, in order."""
    chance = random.Random(4)  # noqa: S311 - no secret
    channel = "stream:cut"
    stream = Stream(emulator, channel)
    async with following(as_user(emulator, "follower"), channel) as follower:
        publishing = asyncio.create_task(stream.publish_all(follower))
        for moment in sorted(chance.sample(range(1, PUBLICATIONS), CUTS)):
            await stream.reaches(moment)
            await asyncio.sleep(chance.random() * 0.03)  # anywhere in what it does
            await follower.cut()
            follower.begin()
        await publishing
        await follower.follow_until(PUBLICATIONS)
        assert sorted(stream.places) == list(range(1, PUBLICATIONS + 1))
        assert follower.seen == [stream.places[n] for n in range(1, PUBLICATIONS + 1)]
        assert follower.recoveries >= CUTS // 10
        assert follower.caught_up >= PUBLICATIONS // 20


async def test_a_client_that_was_away_too_long_is_told_so(emulator: "RunningEmulator") -> None:
    """`recovered: false`, also where all but one of those missed are still kept."""
    channel = "short:away"
    async with (
        peer(as_user(emulator, "publisher")) as publisher,
        following(as_user(emulator, "follower"), channel) as follower,
    ):
        for missed in (10, 11):
            await follower.cut()
            before = follower.offset
            for data in range(missed):
                await publisher.result(action="publish", channel=channel, data=data)
            follower.begin()
            if missed == 10:
                await follower.follow_until(before + missed)
                assert follower.seen == list(range(10))
            else:
                with pytest.raises(UnrecoverableError):
                    await follower.follow_until(before + missed)
