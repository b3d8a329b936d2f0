"""`echo`."""

from tests.functions.actions.conftest import Ask, result


async def test_echo_gives_back_what_it_was_sent(ask: Ask) -> None:
    """And says as whom the client is known."""
    assert result(await ask("echo", id=1, data=[1])) == {"data": [1], "user": "user-of-me="}
