"""Ways of posting to connections: `python -m benchmarks.post_clients NAME URL SECONDS`.

Each runs in a process of its own, on asyncio's own event loop, and prints how many calls it made,
in what time and with how much of its process's CPU. Not counted: imports, the opening of links.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiobotocore.session import get_session

PAYLOAD = b'{"event":"message","channel":"chat:lobby","data":{"text":"a line of ordinary length"}}'
WARM_UP_PAGES = 3
LATE = [f"late{number:03d}=" for number in range(256)]
"""Answered once all of them wait: then a fan-out has opened all its links."""

PAGE = 1000
THREADS = 32
GATHERED = 100
REGION = "us-east-1"


class Meter:
    """Counts calls from the end of the warm-up until the time is over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun_at = 0.0
        self._started_at = self._cpu_at = 0.0
        self._calls = 0

    def pages(self, size: int) -> Iterator[list[str]]:
        """Pages of connection ids; the first ones are the warm-up, in which links are opened."""
        names = (f"L0SM9cOFv{number:06d}=" for number in itertools.count())
        self._begun_at = time.perf_counter()
        for _ in range(WARM_UP_PAGES):
            yield list(itertools.islice(names, size))
        self._started_at, self._cpu_at = time.perf_counter(), time.process_time()
        while time.perf_counter() - self._started_at < self._seconds:
            yield list(itertools.islice(names, size))
            self._calls += size

    def print(self) -> None:
        """Print the figures, the time with the warm-up too."""
        now, cpu_s = time.perf_counter(), time.process_time() - self._cpu_at
        wall_s, total_wall_s = now - self._started_at, now - self._begun_at
        figures = {"calls": self._calls, "wall_s": wall_s, "cpu_s": cpu_s}
        print(json.dumps({**figures, "total_wall_s": total_wall_s}))


def boto3_sequential(url: str, meter: Meter) -> None:
    """One call after the other."""
    import boto3  # noqa: PLC0415 - each process loads what it measures

    client = boto3.client("apigatewaymanagementapi", endpoint_url=url, region_name=REGION)
    for [name] in meter.pages(1):
        client.post_to_connection(ConnectionId=name, Data=PAYLOAD)
    meter.print()


def boto3_threads(url: str, meter: Meter) -> None:
    """As many threads as calls at a time, with a link each."""
    import boto3  # noqa: PLC0415 - as above
    from botocore.config import Config  # noqa: PLC0415 - as above

    config = Config(max_pool_connections=THREADS)
    client = boto3.client(
        "apigatewaymanagementapi", endpoint_url=url, region_name=REGION, config=config
    )

    def post(name: str) -> None:
        client.post_to_connection(ConnectionId=name, Data=PAYLOAD)

    with ThreadPoolExecutor(THREADS) as threads:
        for page in meter.pages(THREADS * 4):
            list(threads.map(post, page))
        meter.print()


async def aiobotocore_gather(url: str, meter: Meter) -> None:
    """Gathered calls of the client, as many at a time as it has links."""
    from aiobotocore.config import AioConfig  # noqa: PLC0415 - as above

    config = AioConfig(max_pool_connections=GATHERED)
    async with get_session().create_client(
        "apigatewaymanagementapi", endpoint_url=url, region_name=REGION, config=config
    ) as client:
        for page in meter.pages(GATHERED):
            await asyncio.gather(
                *(client.post_to_connection(ConnectionId=name, Data=PAYLOAD) for name in page)
            )
        meter.print()


async def aiohttp_signed(url: str, meter: Meter) -> None:
    """Gathered calls of aiohttp, signed by botocore's signer."""
    import os  # noqa: PLC0415 - as above
    import ssl  # noqa: PLC0415 - as above

    import aiohttp  # noqa: PLC0415 - as above
    from botocore.auth import SigV4Auth  # noqa: PLC0415 - as above
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - as above
    from botocore.credentials import Credentials  # noqa: PLC0415 - as above
    from yarl import URL  # noqa: PLC0415 - as above

    environ = os.environ
    keys = Credentials(
        environ["AWS_ACCESS_KEY_ID"],
        environ["AWS_SECRET_ACCESS_KEY"],
        environ["AWS_SESSION_TOKEN"],
    )
    signer = SigV4Auth(keys, "execute-api", REGION)
    tls = ssl.create_default_context(cafile=environ["AWS_CA_BUNDLE"])
    connector = aiohttp.TCPConnector(limit=GATHERED, ssl=tls)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def post(name: str) -> None:
            address = f"{url}/@connections/{name.replace('=', '%3D')}"
            request = AWSRequest("POST", address, data=PAYLOAD)
            signer.add_auth(request)
            headers = dict(request.headers)
            to = URL(address, encoded=True)
            async with session.post(to, data=PAYLOAD, headers=headers) as answer:
                answer.raise_for_status()

        for page in meter.pages(GATHERED):
            await asyncio.gather(*map(post, page))
        meter.print()


async def ours(url: str, meter: Meter) -> None:
    """One fan-out of the functions, as for a publication, over their default Transport."""
    from functions.adapters import management_api_http  # noqa: PLC0415 - as above
    from functions.adapters.management_api import Opening  # noqa: PLC0415 - as above
    from functions.core.broadcast import fan_out  # noqa: PLC0415 - as above
    from functions.core.context import Services  # noqa: PLC0415 - as above

    opening = Opening(url, read_timeout_s=60)  # the warm-up takes its time on a busy machine
    async with management_api_http.open_transport(get_session(), opening) as transport:
        unused: Any = None  # by a fan-out
        services = Services(
            store=unused,
            transport=transport,
            clock=time.time,
            sleep=asyncio.sleep,
            new_id=str,
            namespaces=unused,
            buckets=unused,
            outlets=unused,
        )

        async def pages() -> AsyncIterator[Sequence[str]]:
            yield LATE
            for page in meter.pages(PAGE):
                yield page

        tally = await fan_out(services, pages(), PAYLOAD, about={})
        meter.print()
        if tally.failed or tally.gone:
            sys.exit(f"not all were delivered: {tally}")


CLIENTS: dict[str, Callable[[str, Meter], Awaitable[None] | None]] = {
    "boto3, sequential": boto3_sequential,
    "boto3, 32 threads": boto3_threads,
    "aiobotocore, gather(100)": aiobotocore_gather,
    "aiohttp and botocore's signer": aiohttp_signed,
    "Gatepost": ours,
}


async def finished(running: Awaitable[None]) -> None:
    """Make a coroutine of what asyncio.run is given."""
    await running


if __name__ == "__main__":
    started = CLIENTS[sys.argv[1]](sys.argv[2], Meter(float(sys.argv[3])))
    if started is not None:
        asyncio.run(finished(started))
