"""The namespaces that the template brings."""

import re
from pathlib import Path

import pytest

from functions.actions.namespaces import DAY_S, NAMESPACES
from functions.core import limits
from functions.core.channels import is_name


def test_three_are_ready() -> None:
    """What docs/reference/protocol.md says of each."""
    chat, ticker, game = (NAMESPACES[name] for name in ("chat", "ticker", "game"))
    assert (chat.history_size, chat.history_age_s) == (100, DAY_S)
    assert (chat.presence, chat.announces, chat.signals, chat.clients_publish) == (True,) * 4
    assert (ticker.history_size, ticker.delivers_last, ticker.clients_publish) == (1, True, False)
    assert (ticker.presence, ticker.announces, ticker.signals) == (False,) * 3
    assert (game.presence, game.announces, game.signals, game.clients_publish) == (True,) * 4
    assert not game.keeps_history


def test_the_page_lists_them_all() -> None:
    """And no other."""
    page = (Path(__file__).parents[3] / "docs/reference/protocol.md").read_text(encoding="utf-8")
    section = page[page.index("## Namespaces") :]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(NAMESPACES)


@pytest.mark.parametrize("name", NAMESPACES)
def test_each_keeps_to_the_protocols_limits(name: str) -> None:
    """Yours too: a name, a size, an age, and nothing announced without presence."""
    namespace = NAMESPACES[name]
    assert is_name(f"{name}:a")
    assert namespace.history_size <= limits.HISTORY_SIZE_MAX
    if namespace.keeps_history:
        assert namespace.history_age_s > limits.HOLE_TIMEOUT_S + limits.EXPIRY_MARGIN_S
    assert namespace.presence or not namespace.announces
    assert namespace.keeps_history or not namespace.delivers_last
