"""Where the links of a page lead that goes into a project."""

from gatepost import __version__
from gatepost.project.links import led_somewhere, listed

PATHS = {"README.md", "docs/how-to/a.md", "docs/reference/protocol.md", "infra/table.yml"}


def test_links_to_what_the_project_has_stay() -> None:
    """Files, folders, headings, other sites."""
    text = "[a](../reference/protocol.md#x) [b](#here) [c](https://example.test) [d](../../infra)"
    assert led_somewhere("docs/how-to/a.md", text, PATHS) == text


def test_links_to_what_it_lacks_lead_to_the_repository_of_this_version() -> None:
    """With their anchors."""
    url = f"https://github.com/gatepost/gatepost/blob/v{__version__}/docs/reference/cli.md#dev"
    assert led_somewhere("docs/how-to/a.md", "[x](../reference/cli.md#dev)", PATHS) == f"[x]({url})"


def test_code_has_no_links() -> None:
    """However much it looks like one."""
    text = "`a[0](event)`\n\n```python\nhandlers[0](event)\n```\n"
    assert led_somewhere("docs/how-to/a.md", text, PATHS) == text


def test_pages_are_listed_by_their_titles() -> None:
    """In the order of their paths."""
    pages = {"docs/b.md": "# Do B\n", "docs/a.md": "text\n# Do A\n", "docs/c.md": "none"}
    assert listed(pages) == "- [Do A](docs/a.md)\n- [Do B](docs/b.md)"
