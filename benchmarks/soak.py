"""`python -m benchmarks.soak [--seconds S] [--connections N]`: the gateway under load for long.

Connections come and go, half of them without a close frame; posts go to all of them; faults come
in turn. It must leave nothing behind: memory stays flat, no post that was answered 200 to a client
that went on reading is lost, `$disconnect` runs for each connection. Loopback only.
"""

import argparse
import asyncio
import itertools
import random
import resource
import statistics
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.results import keep
from benchmarks.soak_clients import Poster, Reader
from benchmarks.soak_gateway import SoakGateway
from gatepost.gateway.core.faults import NO_FAULTS, Faults

if TYPE_CHECKING:
    from benchmarks.soak_gateway import Told

SECONDS = 300.0
CONNECTIONS = 5000
CONNECTS_PER_S = 400
CHURN_PER_S = 100
POSTS_PER_S = 1000
POSTERS = 16
STEP_S = 0.1
PHASE_S = 2.0
SETTLE_S = 60.0
GROWTH_MAX = 1.05
CHOSEN = 20
OPEN_FILES = 20_000
PADDING = b"." * 200


@dataclass(slots=True)
class Soak:
    """What is under way, and what was seen."""

    gateway: SoakGateway
    wanted: int
    readers: set[Reader] = field(default_factory=set)
    posters: list[Poster] = field(default_factory=list)
    connected: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    rng: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - no secret
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def hear(self) -> None:
        """Take in what the gateway tells."""
        while self.gateway.told.poll():
            told: Told = self.gateway.told.recv()
            what, value = told
            if what == "memory":
                self.memory.append(int(value))
            elif what == "connect":
                self.counts["connects"] += 1
                self.connected.add(value)
            else:
                again = value not in self.connected
                self.counts["disconnects again" if again else "disconnects"] += 1
                self.connected.discard(value)

    def gone(self, reader: Reader) -> None:
        """Forget a reader."""
        self.readers.discard(reader)

    async def refill(self) -> None:
        """Let more come, as many as are missing, but not all at once."""
        coming = sum(not one.connection_id for one in self.readers)
        count = min(int(CONNECTS_PER_S * STEP_S), self.wanted - len(self.readers))
        await self.connect(0 if coming > CONNECTS_PER_S else count)

    async def connect(self, count: int) -> None:
        """Let so many more come."""
        loop = asyncio.get_running_loop()
        coming = [
            loop.create_connection(lambda: Reader(self.gone), "127.0.0.1", self.gateway.port)
            for _ in range(count)
        ]
        self.readers |= {reader for _, reader in await asyncio.gather(*coming)}

    def live(self) -> list[Reader]:
        """Readers that can be posted to."""
        return [one for one in self.readers if one.connection_id and not one.is_over]

    def step(self) -> None:
        """A tenth of a second's leaving and posting."""
        live = self.live()
        leaving = self.rng.sample(live, min(int(CHURN_PER_S * STEP_S), len(live)))
        for number, reader in enumerate(leaving):
            (reader.vanish if number % 2 else reader.close)()
        if sum(len(poster.waiting) for poster in self.posters) > POSTS_PER_S:
            return  # this machine can't keep up
        live = [one for one in live if not one.is_over]
        for reader in self.rng.sample(live, min(int(POSTS_PER_S * STEP_S), len(live))):
            number = next(self.numbers)
            self.posters[number % POSTERS].post(reader, b"%d %b" % (number, PADDING))

    def choose(self) -> tuple[str, ...]:
        """Choose some connections for a fault."""
        live = self.live()
        return tuple(one.connection_id for one in self.rng.sample(live, min(CHOSEN, len(live))))

    def phase(self, number: int) -> None:
        """Change the faults; every other phase has none."""
        chosen = self.choose()
        faults = [
            Faults(gone=chosen),
            Faults(slow_reader=chosen),
            Faults(throttle_rate=0.2),
            Faults(hang=chosen, hang_s=0.5),
            Faults(connect_delay_s=0.5),
            Faults(disconnect="late", late_s=1.0),
            Faults(disconnect="twice"),
        ]
        turn, has_faults = divmod(number, 2)
        self.gateway.ask(faults[turn % len(faults)] if has_faults else NO_FAULTS)
        if has_faults:
            self.gateway.ask(self.choose())  # and these lose their network


async def run(soak: Soak, seconds: float) -> None:
    """Keep the load up for so long; then let all end."""
    loop = asyncio.get_running_loop()
    loop.add_reader(soak.gateway.told.fileno(), soak.hear)
    while len(soak.readers) < soak.wanted:
        await soak.refill()
        await asyncio.sleep(STEP_S)
    for _ in range(POSTERS):
        _, poster = await loop.create_connection(Poster, "127.0.0.1", soak.gateway.port)
        soak.posters.append(poster)
    start = loop.time()
    for number in itertools.count():
        if (elapsed := loop.time() - start) >= seconds:
            break
        if number % int(PHASE_S / STEP_S) == 0:
            soak.phase(number // int(PHASE_S / STEP_S))
        if number % int(1 / STEP_S) == 0:
            soak.gateway.ask("memory")
        soak.step()
        await soak.refill()
        await asyncio.sleep(max(0.0, start + elapsed + STEP_S - loop.time()))
    soak.gateway.ask(NO_FAULTS)
    await _until(lambda: not any(one.waiting for one in soak.posters), SETTLE_S)
    await _until(lambda: not any(one.promised for one in soak.live()), SETTLE_S)
    soak.counts["lost"] = sum(len(one.promised) for one in soak.live())
    soak.counts["still open"] = len(soak.live())
    for reader in list(soak.readers):
        reader.close()
    await _until(lambda: not soak.connected, SETTLE_S)
    soak.gateway.ask("memory")


async def _until(check: Callable[[], bool], within_s: float) -> None:
    """Wait until it is so, or no longer."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not check() and loop.time() < deadline:  # noqa: ASYNC110 - many things change it
        await asyncio.sleep(STEP_S)


def growth(memory: list[int]) -> float:
    """How much more memory the last third took than the second; the first is the warm-up."""
    third = len(memory) // 3
    return statistics.median(memory[2 * third :]) / statistics.median(memory[third : 2 * third])


def verdict(soak: Soak) -> list[str]:
    """Say what is wrong."""
    wrong: list[str] = []
    if (grown := growth(soak.memory)) > GROWTH_MAX:
        wrong.append(f"memory grew to {grown:.3f} times itself")
    if soak.counts["lost"]:
        wrong.append(f"{soak.counts['lost']} messages answered 200 did not reach a live reader")
    if cut := sum(poster.is_cut for poster in soak.posters):
        wrong.append(f"{cut} links to @connections were cut")
    if soak.connected:
        wrong.append(f"{len(soak.connected)} connections ended without $disconnect")
    if soak.counts["still open"] < soak.wanted * 0.9:
        wrong.append(f"only {soak.counts['still open']} connections were open at the end")
    return wrong


def figures(soak: Soak) -> dict[str, float]:
    """What was seen, as it is kept."""
    statuses: Counter[int] = Counter()
    for poster in soak.posters:
        statuses.update(poster.statuses)
    return {
        **{f"posts_answered_{status}": count for status, count in sorted(statuses.items())},
        **{name.replace(" ", "_"): soak.counts[name] for name in sorted(soak.counts)},
        "without_disconnect": len(soak.connected),
        "memory_growth": round(growth(soak.memory), 3),
        "memory_MiB": round(statistics.median(soak.memory[-20:]) / 2**20, 1),
    }


async def main(seconds: float = SECONDS, connections: int = CONNECTIONS) -> None:
    """Soak, print the verdict, keep the figures; exits with 1 when something is wrong."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))
    soak = Soak(SoakGateway(), connections)
    try:
        await run(soak, seconds)
    finally:
        asyncio.get_running_loop().remove_reader(soak.gateway.told.fileno())
        soak.gateway.end()
    method = (
        f"{connections} connections for {seconds:g} s: a second {CHURN_PER_S} leave (half without "
        f"a close frame) and are replaced, {POSTS_PER_S} posts of 200 bytes; faults in turn, "
        f"{CHOSEN} links cut with each. Gateway in a process of its own, an invoker in process. "
        f"Memory: median of the last third by that of the second."
    )
    keep("soak", method, {f"{connections} connections": figures(soak)})
    wrong = verdict(soak)
    print("FAILED: " + "; ".join(wrong) if wrong else "PASSED")
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    options = parser.parse_args()
    asyncio.run(main(options.seconds, options.connections))
