"""The gateway of the soak, in a process of its own, and what it tells of itself over a pipe.

It remembers nothing: each `$connect` and `$disconnect` is told as it comes, so that its memory is
the gateway's.
"""

import asyncio
import json
import multiprocessing
import os
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Literal

import psutil

from gatepost.gateway.core.deployment import Deployment, LambdaProxy, Route, WebSocketApi
from gatepost.gateway.core.faults import Faults
from gatepost.gateway.core.inputs import Outcome, Returned
from gatepost.gateway.server.server import GatewayServer

Told = tuple[str, str]
"""`connect` or `disconnect` and a connection's id, or `memory` and how many bytes."""

Asked = Faults | tuple[str, ...] | Literal["memory", "end"]
"""Faults to inject, connections to drop, or a word."""


class Telling:
    """An Invoker whose functions accept, return the connection's id, and tell of both ends."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def invoke(self, function: str, event: bytes) -> Outcome:
        """Run one of the three functions."""
        connection_id: str = json.loads(event)["requestContext"]["connectionId"]
        if function != "id":
            self._pipe.send((function, connection_id))
        return Returned(json.dumps({"statusCode": 200, "body": connection_id}).encode())


class SoakGateway:
    """The process, seen from the driver: its port, its memory, what it was told."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        # One pipe for each direction: a loop that reads one end makes writing to it not block.
        self.told, telling = context.Pipe(duplex=False)
        asked, self._asking = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(asked, telling), daemon=True)
        self._process.start()
        self.port: int = self.told.recv()

    def ask(self, what: Asked) -> None:
        """Send a fault, connections to drop, or a word."""
        self._asking.send(what)

    def end(self) -> None:
        """End the process."""
        self._asking.send("end")
        self._process.join(10)


def _run(asked: Pipe, telling: Pipe) -> None:
    run = asyncio.run
    try:
        import uvloop  # noqa: PLC0415 - optional

        run = uvloop.run
    except ImportError:
        pass
    run(_serve(asked, telling))


async def _serve(asking: Pipe, telling: Pipe) -> None:
    routes = {
        "$connect": Route("$connect", LambdaProxy("connect")),
        "$disconnect": Route("$disconnect", LambdaProxy("disconnect")),
        "$default": Route("$default", LambdaProxy("id"), two_way=True),
    }
    api = WebSocketApi("a1b2c3d4e5", "soak", "dev", routes)
    deployment = Deployment("soak", "dev", "us-east-1", "000000000000", Path(), (api,), {})
    server = GatewayServer(deployment, Telling(telling))
    await server.start()
    telling.send(server.port)
    process = psutil.Process()

    def hear() -> None:
        asked: Asked = asking.recv()
        if isinstance(asked, Faults):
            server.inject(asked)
        elif isinstance(asked, tuple):
            server.drop(*asked)
        elif asked == "memory":
            telling.send(("memory", str(process.memory_info().rss)))
        else:
            os._exit(0)

    asyncio.get_running_loop().add_reader(asking.fileno(), hear)
    await asyncio.Event().wait()
