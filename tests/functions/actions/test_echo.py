"""`echo`."""

import json

from functions.actions.dispatch import respond
from functions.actions.registry import ACTIONS
from functions.core.context import Context


async def test_echo_gives_back_what_it_was_sent(context: Context) -> None:
    """And says as whom the client is known."""

    async def open_context() -> Context:
        return context

    reply = json.loads(await respond('{"action":"echo","id":1,"data":[1]}', ACTIONS, open_context))
    assert reply["result"] == {"data": [1], "user": "user-of-me="}
