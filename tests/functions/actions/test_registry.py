"""The list of actions."""

from functions.actions.registry import ACTIONS


def test_the_protocols_actions_are_there() -> None:
    """Those of this version, and the one to copy; a project's own may stand beside them."""
    assert set(ACTIONS) >= {"echo", "ping", "publish", "subscribe", "unsubscribe"}
