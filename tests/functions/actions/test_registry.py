"""The list of actions."""

from functions.actions.registry import ACTIONS


def test_the_protocols_actions_are_there() -> None:
    """Those that need no token verified, and the one to copy; a project's own may be there too."""
    assert set(ACTIONS) >= {
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
