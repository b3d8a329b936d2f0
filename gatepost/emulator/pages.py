"""The HTTP port: the project's own pages, and where its socket is.

What else it serves (HTTP APIs, Lambda's Invoke, the control endpoint) is added by `serve`.

`custom.gatepost.pages` in the template names the folder that is served, `custom.gatepost.index`
the page at `/`. A project without pages gets one that says what is where.
"""

import html
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gatepost.emulator.errors import UserError
from gatepost.emulator.http_api.answers import BODY_BYTES_MAX
from gatepost.emulator.sockets import address_of, main_address
from gatepost.gateway.core.deployment import Deployment, WebSocketApi
from gatepost.gateway.server.listener import authority, bind

DISCOVERY_PATH = "/gatepost.json"
"""A page reads the socket's URL here: `{"url": "ws://localhost:3001/dev"}`."""


class Pages:
    """The HTTP server of a run. `gateway_port` is where the sockets are."""

    def __init__(self, deployment: Deployment, *, gateway_port: int) -> None:
        self._deployment = deployment
        self._gateway_port = gateway_port
        self._folder = pages_folder(deployment)
        self._app = web.Application(middlewares=[_never_cached], client_max_size=BODY_BYTES_MAX)
        self._runner = web.AppRunner(self._app, access_log=None, handle_signals=False)
        self.port = 0

    def serve(self, add_to: Callable[[web.Application], None]) -> None:
        """Serve what `add_to` adds routes for; before start, after which nothing can be added."""
        add_to(self._app)

    def answer_first(self, middleware: Middleware) -> None:
        """Let `middleware` answer what is not for a page; before start."""
        self._app.middlewares.insert(0, middleware)

    def has_page(self, path: str) -> bool:
        """Tell whether a file of the folder is served at a decoded path."""
        if self._folder is None or "\0" in path:
            return False
        name = path.lstrip("/") or self._deployment.settings.get("index", "index.html")
        try:
            page = (self._folder / name).resolve()
            return page.is_relative_to(self._folder) and page.is_file()
        except OSError:  # a name that no file can have
            return False

    async def start(self, host: str, port: int) -> None:
        """Listen where the gateway would (listener.bind). Raises OSError when that can't be had."""
        sockets = await bind(host, port)
        self.port = sockets[0].getsockname()[1]
        self._add_pages()
        await self._runner.setup()
        for sock in sockets:
            await web.SockSite(self._runner, sock).start()

    async def close(self) -> None:
        """Stop listening and end open requests."""
        await self._runner.cleanup()

    def _add_pages(self) -> None:
        router = self._app.router
        router.add_get(DISCOVERY_PATH, self._discovery)
        router.add_get("/", self._index)
        if self._folder is not None:
            router.add_static("/", self._folder)

    async def _discovery(self, request: web.Request) -> web.Response:
        address = main_address(self._deployment, self._gateway(request))
        return web.json_response({"url": f"ws://{address}"})

    def _gateway(self, request: web.Request) -> str:
        # The host that the page was opened with, so that a phone on the same network finds it.
        return authority(request.url.host or "localhost", self._gateway_port)

    async def _index(self, request: web.Request) -> web.StreamResponse:
        index = self._deployment.settings.get("index", "index.html")
        if self._folder is not None and (self._folder / index).is_file():
            return web.FileResponse(self._folder / index)
        return web.Response(text=self._summary(request), content_type="text/html")

    def _summary(self, request: web.Request) -> str:
        deployed = self._deployment.apis
        apis = "".join(
            _api_html(
                api,
                f"ws://{address_of(self._deployment, api, self._gateway(request))}",
                named=len(deployed) > 1,
            )
            for api in deployed
        )
        return (
            "<!doctype html><html lang=en><meta charset=utf-8>"
            "<meta name=viewport content='width=device-width'>"
            "<link rel=icon href='data:,'>"
            f"<title>{html.escape(self._deployment.service)}</title>"
            "<style>body{font:1rem/1.5 system-ui;margin:2rem auto;max-width:40rem;padding:0 1rem;"
            "color-scheme:light dark}td{padding:.2rem 1.5rem .2rem 0}</style>"
            f"<h1>{html.escape(self._deployment.service)}</h1>"
            f"{apis}"
        )


def _api_html(api: WebSocketApi, url: str, *, named: bool) -> str:
    """Say where an API's socket is and what its routes lead to."""
    rows = "".join(
        f"<tr><td><code>{html.escape(route.key)}</code><td>{html.escape(route.function or '')}"
        for route in api.routes.values()
    )
    name = f" of {html.escape(api.name)}" if named else ""
    return (
        f"<p>The socket{name} is at <code>{html.escape(url)}</code>.</p>"
        f"<table><tr><th align=left>Route<th align=left>Function{rows}</table>"
    )


def pages_folder(deployment: Deployment) -> Path | None:
    """Give the folder that the template names, or None. Raises UserError when it isn't one."""
    named = deployment.settings.get("pages")
    if named is None:
        return None
    folder = (deployment.root / named).resolve()
    if not folder.is_dir():
        raise UserError(f"custom.gatepost.pages: {named} is no folder under {deployment.root}.")
    return folder


@web.middleware
async def _never_cached(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.headers["Cache-Control"] = "no-store"
    return response
