"""An ASGI application behind an HTTP API of the gateway: event in, result out, by Mangum."""

from collections.abc import Mapping
from typing import Any, Final

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from mangum.protocols import HTTPCycle
from mangum.types import ASGI

TEXT_TYPES: Final = [*DEFAULT_TEXT_MIME_TYPES, "application/problem+json"]
"""What goes back as text; Mangum encodes everything else in base64."""


async def respond(app: ASGI, event: Mapping[str, object]) -> dict[str, Any]:
    """Run the application for one event in the loop that runs, where its clients live.

    Mangum's own call would want another, of `asyncio.get_event_loop`, which Python 3.14 no longer
    makes. There is no lifespan: what is kept is kept by runtime/wiring.
    """
    adapter = Mangum(app, lifespan="off", text_mime_types=TEXT_TYPES)
    request = adapter.infer(dict(event), {})  # type: ignore[arg-type] # nobody asks the context
    cycle = HTTPCycle(request.scope, request.body)
    await cycle.run(app)
    return request({"status": cycle.status, "headers": cycle.headers, "body": cycle.body})
