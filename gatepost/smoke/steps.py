"""What a smoke test tries, in order: each step proves a part of the deployed system.

connect ($connect and authorizer), ping (the route with its reply), subscribe and publish (the
table), receive (the management API), recover (the log), disconnect ($disconnect).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import Struct

from gatepost.smoke.talking import (
    StepFailed,
    Talker,
    Target,
    Waiting,
    described,
    open_talker,
    status_without_token,
)

POLL_S: Final = 0.2
NORMAL_CLOSURE: Final = 1000
SWITCHING_PROTOCOLS: Final = 101
NOT_FOR_US: Final = (103, 108)
"""Errors of `presenceStats` where the token doesn't allow it, or it isn't offered."""


class Position(Struct, frozen=True):
    """A place in a log; without `offset` where none is kept."""

    epoch: str | None = None
    offset: int | None = None


class Missed(Struct, frozen=True):
    """A publication in the reply to `subscribe`."""

    data: Any = None


class Subscribed(Position, frozen=True):
    """What a reply to `subscribe` says of one channel."""

    recovered: bool | None = None
    publications: tuple[Missed, ...] = ()


class Channels(Struct, frozen=True):
    """The result of `subscribe` to one channel."""

    channels: tuple[Subscribed]


class Anything(Struct, frozen=True):
    """A result that is not looked at."""


@dataclass(slots=True)
class Trial:
    """What the steps share: the connections open now, and how far the channel's log is known."""

    target: Target
    mark: str
    reader: Talker | None = None
    writer: Talker | None = None
    position: Position = field(default_factory=Position)
    published: int = 0
    waiting: Waiting = field(default_factory=Waiting)

    def data(self, number: int) -> dict[str, object]:
        """Give the payload of a publication, which nobody else's equals."""
        return {"smoke": self.mark, "number": number}

    def talkers(self) -> tuple[Talker, Talker]:
        """Give reader and writer, once both have connected."""
        if self.reader is None or self.writer is None:
            raise StepFailed("open connections", "none")
        return self.reader, self.writer

    async def publish(self) -> Position:
        """Have the writer publish the next payload; give its place."""
        _, writer = self.talkers()
        self.published += 1
        data = self.data(self.published)
        return await writer.ask("publish", Position, channel=self.target.channel, data=data)

    async def subscribe(self, reader: Talker, **more: object) -> Subscribed:
        """Have the reader subscribe; give what it is told of the channel."""
        channel = self.target.channel
        return (await reader.ask("subscribe", Channels, channel=channel, **more)).channels[0]

    def drop(self) -> None:
        """End whatever is still open."""
        for talker in (self.reader, self.writer):
            if talker is not None:
                talker.abort()


Step = Callable[[Trial], Awaitable[str]]


async def connect(trial: Trial) -> str:
    """Open two connections."""
    trial.reader = await open_talker(trial.target, trial.waiting)
    trial.writer = await open_talker(trial.target, trial.waiting)
    return "two connections, answered with 101"


async def refuse(trial: Trial) -> str:
    """See whether somebody without token is let in, which is told and no failure."""
    status = await status_without_token(trial.target, trial.waiting)
    if status == SWITCHING_PROTOCOLS:
        return "NOTE: who shows no token is let in too"
    return f"without a token: {status}"


async def ping(trial: Trial) -> str:
    """Ask for a reply that needs next to nothing."""
    reader, _ = trial.talkers()
    await reader.ask("ping", Anything)
    return "a reply over the route"


async def subscribe(trial: Trial) -> str:
    """Subscribe the reader; learn where the log stands."""
    reader, _ = trial.talkers()
    result = await trial.subscribe(reader)
    trial.position = Position(result.epoch, result.offset)
    where = "keeps no history" if result.offset is None else f"is at offset {result.offset}"
    return f"{trial.target.channel} {where}"


async def publish(trial: Trial) -> str:
    """Publish from the other connection."""
    position = await trial.publish()
    return "taken" if position.offset is None else f"taken, at offset {position.offset}"


async def receive(trial: Trial) -> str:
    """Wait until the reader has it."""
    reader, _ = trial.talkers()
    message = await reader.publication(trial.target.channel, trial.data(trial.published))
    trial.position = Position(message.epoch, message.offset)
    return "the publication, as it was sent"


async def recover(trial: Trial) -> str:
    """Be away for two publications, and get them with the next subscription."""
    if trial.position.offset is None:
        return "SKIPPED: the channel keeps no history"
    reader, _ = trial.talkers()
    await reader.close()
    await trial.publish()
    await trial.publish()
    trial.reader = await open_talker(trial.target, trial.waiting)
    result = await trial.subscribe(trial.reader, recover=trial.position)
    expected = [trial.data(number) for number in (trial.published - 1, trial.published)]
    missed = [each.data for each in result.publications]
    if not result.recovered or missed != expected:
        raise StepFailed(
            "`recovered` with the two publications that were missed",
            f"`recovered` {result.recovered} with {len(missed)} publications",
        )
    return "two publications that came while nobody listened"


async def disconnect(trial: Trial) -> str:
    """Close the reader; wait until the functions have forgotten it."""
    reader, writer = trial.talkers()
    code = await reader.close()
    if code != NORMAL_CLOSURE:
        raise StepFailed(f"the close code {NORMAL_CLOSURE}", str(code))
    said = await _forgotten(writer, trial)
    await writer.close()
    return said


async def _forgotten(writer: Talker, trial: Trial) -> str:
    while True:
        reply = await writer.reply("presenceStats", channel=trial.target.channel)
        if reply.error.code in NOT_FOR_US:
            return "closed; who is present can't be asked here"
        if not reply.ok:
            raise StepFailed("`presenceStats` to succeed", described(reply.error))
        if (reply.result or {}).get("connections") == 0:
            return "closed, and forgotten"
        trial.waiting.expected = "$disconnect to take the connection out of the channel's presence"
        await asyncio.sleep(POLL_S)


STEPS: Final[tuple[Step, ...]] = (
    *(connect, refuse, ping, subscribe),
    *(publish, receive, recover, disconnect),
)


async def try_all(target: Target, mark: str, say: Callable[[str], object]) -> bool:
    """Try every step, each for at most the target's time; False at the first that fails.

    `mark` tells this run's publications from others'. `refuse` is tried only with a token.
    """
    trial = Trial(target, mark)
    try:
        for step in STEPS:
            if step is refuse and target.token is None:
                continue
            began = time.perf_counter()
            try:
                async with asyncio.timeout(target.timeout_s):
                    said = await step(trial)
            except StepFailed as failure:
                say(f"{step.__name__:<11} FAILED: {failure}")
                return False
            except TimeoutError:
                expected = f"{trial.waiting.expected} within {target.timeout_s:g} s"
                say(f"{step.__name__:<11} FAILED: expected {expected}")
                return False
            took_ms = (time.perf_counter() - began) * 1000
            say(f"{step.__name__:<11} {took_ms:>6.0f} ms  {said}")
    finally:
        trial.drop()
    return True
