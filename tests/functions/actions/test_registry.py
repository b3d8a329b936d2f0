"""The list of actions."""

from functions.actions.registry import ACTIONS


def test_the_protocols_actions_are_there() -> None:
    """Those that need no token verified (functions/refresh.py does), and the one to copy."""
    assert set(ACTIONS) == {
        "echo",
        "history",
        "ping",
        "presence",
        "presenceStats",
        "publish",
        "signal",
        "subscribe",
        "unsubscribe",
    }
