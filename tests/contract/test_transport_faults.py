"""A run of faults of every kind at once: each recipient gets what is its due, in bounded time."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.session import AioSession, get_session
from botocore.credentials import CredentialProvider

from functions.adapters.management_api import Opening
from functions.core.ports import Delivered, Failed, Gone, Outcome
from tests.contract import scripted_gateway as answers
from tests.contract.conftest import TRANSPORTS

if TYPE_CHECKING:
    from tests.contract.scripted_gateway import Script, ScriptedGateway

KEY_LIVES_S = 2.5
SENDS_PER_SECOND = 150.0
RUN_S_MAX = 60.0
"""Three seconds at the rate, and as much again for repetitions; the rest is a busy machine's."""

KINDS: dict[str, tuple[int, "list[Script]", Outcome]] = {
    "fine": (250, [answers.OK], Delivered()),
    "slow": (50, ["slow"], Delivered()),
    "burst": (60, [answers.THROTTLED, answers.THROTTLED, answers.OK], Delivered()),
    "fault": (30, [answers.BROKEN, answers.OK], Delivered()),
    "bye": (6, ["bye"], Delivered()),
    "later": (6, [answers.SLOW_DOWN, answers.OK], Delivered()),
    "cut": (20, ["cut"], Failed("unknown")),
    "hang": (3, ["hang"], Failed("unknown")),
    "gone": (20, [answers.GONE], Gone()),
    "denied": (5, [answers.FORBIDDEN], Failed("403")),
}


class Expiring(CredentialProvider):
    """Credentials that expire in seconds, each with a key of its own."""

    METHOD = "expiring"
    CANONICAL_NAME = "Expiring"

    def __init__(self) -> None:
        super().__init__()
        self.issued_at: dict[str, float] = {}

    def accepts(self, key: str) -> bool:
        """Say whether a key is still good."""
        return time.monotonic() - self.issued_at[key] < KEY_LIVES_S

    async def load(self) -> AioRefreshableCredentials:
        """Give the first ones, which know how to get the next."""
        return AioRefreshableCredentials.create_from_metadata(
            await self.refresh(), refresh_using=self.refresh, method=self.METHOD
        )

    async def refresh(self) -> dict[str, str]:
        """Issue new ones; those who ask wait a little, as for a metadata service."""
        await asyncio.sleep(0.005)
        key = f"AKID{len(self.issued_at)}"
        self.issued_at[key] = time.monotonic()
        expiry = datetime.now(tz=UTC) + timedelta(seconds=KEY_LIVES_S)
        return {
            "access_key": key,
            "secret_key": f"secret of {key}",
            "token": f"token of {key}",
            "expiry_time": expiry.isoformat(),
        }


@pytest.fixture
def expiring() -> Expiring:
    """Give the source of the credentials."""
    return Expiring()


@pytest.fixture
def session(expiring: Expiring, fake_credentials: dict[str, str]) -> AioSession:
    """Give a session of its own whose chain of providers begins with that source."""
    session = get_session()
    session.get_component("credential_provider").insert_before("env", expiring)
    return session


def names() -> Iterator[tuple[str, str]]:
    """Give the recipients, of all kinds in a mixed order that is the same every time."""
    found = [(f"{kind}{number}=", kind) for kind, row in KINDS.items() for number in range(row[0])]
    random.Random(1).shuffle(found)  # noqa: S311 - no secret
    return iter(found)


@pytest.mark.parametrize("name", TRANSPORTS)
async def test_faults_cost_only_whom_they_are_about(
    name: str, session: AioSession, expiring: Expiring, gateway: "ScriptedGateway"
) -> None:
    """Whoever's message was answered 200 got it once; whose fate is unknown, once at most."""
    recipients = dict(names())
    gateway.accepts_key = expiring.accepts
    gateway.scripts = {each: list(KINDS[kind][1]) for each, kind in recipients.items()}
    opening = Opening(gateway.url, SENDS_PER_SECOND, connect_timeout_s=20, read_timeout_s=3)
    outcomes: dict[str, Outcome] = {}
    started_at = time.monotonic()
    async with TRANSPORTS[name](session, opening) as transport:
        left = iter(recipients)

        async def serve() -> None:
            for each in left:
                outcomes[each] = await transport.send(each, each.encode())

        await asyncio.gather(*itertools.starmap(serve, [()] * transport.width))
    assert time.monotonic() - started_at < RUN_S_MAX
    assert len(expiring.issued_at) > 1
    wrong = {
        each: outcomes.get(each)
        for each, kind in recipients.items()
        if outcomes.get(each) != KINDS[kind][2]
    }
    assert wrong == {}
    arrived = Counter(to for to, body in gateway.posts if body == to.encode())
    assert max(arrived.values()) == 1
    delivered = {each for each, outcome in outcomes.items() if outcome == Delivered()}
    assert delivered <= arrived.keys()
    assert len(gateway.posts) == len(delivered) + KINDS["cut"][0]
