"""What a test may give the fixture."""

import pytest

from gatepost.emulator.testing.setup import Setup, deployment_of_routes


def test_a_handler_that_can_not_be_called_is_named() -> None:
    """Such as the text that a template would have."""
    with pytest.raises(TypeError, match=r"handler of a is 'chat\.echo', which can't be called"):
        deployment_of_routes({"a": "chat.echo"}, Setup())


def test_handlers_without_route_keys_are_refused() -> None:
    """The sentence says what is wanted."""
    with pytest.raises(TypeError, match="a dictionary, by route key"):
        deployment_of_routes([print], Setup())  # type: ignore[arg-type] # the mistake
