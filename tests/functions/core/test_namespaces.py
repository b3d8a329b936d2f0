"""The options of a channel."""

from typing import TYPE_CHECKING

import pytest

from functions.core.errors import ProtocolError
from functions.core.namespaces import Namespace, namespace_of

if TYPE_CHECKING:
    from functions.core.namespaces import Namespaces


def test_a_channels_options_are_its_namespaces() -> None:
    """What stands before the first colon."""
    namespaces: Namespaces = {"chat": Namespace(history_size=3), "game": Namespace()}
    assert namespace_of(namespaces, "chat:game:1") is namespaces["chat"]
    assert namespace_of(namespaces, "game:chat") is namespaces["game"]
    assert namespaces["chat"].keeps_history
    assert not namespaces["game"].keeps_history


def test_an_unknown_namespace_is_refused() -> None:
    """102."""
    with pytest.raises(ProtocolError, match="102 channel: there is no namespace 'char'"):
        namespace_of({"chat": Namespace()}, "char:a")
