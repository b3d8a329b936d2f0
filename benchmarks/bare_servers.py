"""Servers without a gateway, as the limits of what broadcasts can cost: run by path with a port.

    python -m benchmarks.bare_servers aiohttp|websockets PORT

`aiohttp` is the usual way to build a post-to-frame server: a POST to `/@connections/{id}` becomes
a text frame of the socket that connected as `/{id}`. `websockets` sends each message that a client
sends to all clients; it pays for no HTTP at all.
"""

import asyncio
import sys

from aiohttp import web
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.crowd import allow_many_files
from benchmarks.loops import run


async def aiohttp_server(port: int) -> None:
    """Serve posts and sockets until the process is ended."""
    sockets: dict[str, web.WebSocketResponse] = {}

    async def connect(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        sockets[request.match_info["id"]] = socket
        async for _ in socket:
            pass
        return socket

    async def post(request: web.Request) -> web.Response:
        socket = sockets.get(request.match_info["id"])
        if socket is None:
            return web.Response(status=410)
        await socket.send_str((await request.read()).decode())
        return web.Response()

    application = web.Application()
    application.add_routes([web.get("/{id}", connect), web.post("/@connections/{id}", post)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "localhost", port, backlog=1024).start()
    await asyncio.Event().wait()


async def websockets_server(port: int) -> None:
    """Serve broadcasts until the process is ended."""

    async def hear(socket: ServerConnection) -> None:
        async for message in socket:
            broadcast(server.connections, message)

    async with serve(hear, "localhost", port, compression=None, ping_interval=None) as server:
        await asyncio.Event().wait()


SERVERS = {"aiohttp": aiohttp_server, "websockets": websockets_server}

if __name__ == "__main__":
    allow_many_files()
    run(SERVERS[sys.argv[1]](int(sys.argv[2])))
