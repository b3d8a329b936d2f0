"""Ending a link so that what was written last still arrives."""

import asyncio

LINGER_S = 2.0
"""How long a client is given to end its side of a link."""


def hang_up(transport: asyncio.Transport) -> asyncio.TimerHandle:
    """End our side of a link; the other side has LINGER_S, then the link is cut.

    Closing at once would answer bytes still on their way with a reset, and a reset can overtake
    the close frame or the error that explains it. Cancel the returned timer when the link is gone.
    """
    if transport.can_write_eof():
        transport.write_eof()
    else:
        transport.close()
    return asyncio.get_running_loop().call_later(LINGER_S, transport.abort)
