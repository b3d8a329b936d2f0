"""Where `gatepost new` finds the template."""

from pathlib import Path

from gatepost.project.source import PACKED, origin, template_root

ROOT = Path(__file__).parents[3]


def test_a_checkout_is_the_template_itself() -> None:
    """There is no second copy of it here."""
    assert template_root() == ROOT
    assert not (ROOT / PACKED).exists()


def test_an_installation_from_a_folder_knows_it() -> None:
    """The message after `gatepost new` says where a wheel can be had."""
    assert origin() in {"", ROOT.as_uri()}
