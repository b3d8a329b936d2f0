"""An ASGI application behind the gateway's HTTP API."""

import asyncio
import base64
from typing import TYPE_CHECKING

from functions.runtime import asgi
from functions.runtime.entrypoint import Event, Handler, Result

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


class Application:
    """Echoes the body, and notes its loops."""

    def __init__(self) -> None:
        self.loops: list[asyncio.AbstractEventLoop] = []
        self.media_type = b"application/problem+json"

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        self.loops.append(asyncio.get_running_loop())
        body = (await receive())["body"]
        headers = [(b"content-type", self.media_type)]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def close(self) -> None:
        """Nothing to close."""


async def serve(app: Application, event: Event) -> Result:
    """Hand the event to the application."""
    return await asgi.respond(app, event)


def event(body: str, *, encoded: bool = False) -> Event:
    """Make an event of format 2.0."""
    http = {"method": "POST", "path": "/", "sourceIp": "192.0.2.1"}
    return {
        "version": "2.0",
        "headers": {},
        "body": body,
        "isBase64Encoded": encoded,
        "requestContext": {"http": http},
    }


def test_the_application_runs_in_the_one_kept_loop() -> None:
    """Its clients live there; Mangum would take another loop (none is implicit from 3.14 on)."""
    app = Application()
    handler = Handler(serve, lambda: app)
    for _ in range(2):
        assert handler(event("{}"))["statusCode"] == 202
    assert len(set(app.loops)) == 1
    handler.close()
    assert app.loops[0].is_closed()


async def test_problems_go_back_as_text_and_bytes_as_base64() -> None:
    """As the gateway wants it; a body that came in base64 is decoded."""
    app = Application()
    encoded = base64.b64encode(b"\xff{}").decode()
    result = await serve(app, event("{}"))
    assert (result["body"], result["isBase64Encoded"]) == ("{}", False)
    app.media_type = b"application/octet-stream"
    result = await serve(app, event(encoded, encoded=True))
    assert (result["body"], result["isBase64Encoded"]) == (encoded, True)
