"""Links of the pages that go into a project: they lead somewhere there too."""

import posixpath
import re
from collections.abc import Set as AbstractSet
from typing import Final

from gatepost import __version__

REPOSITORY: Final = "https://github.com/gatepost/gatepost"
"""Where this template is at home; pyproject.toml names it too."""

_LINK = re.compile(r"^```.*?^```|`[^`\n]+`|\]\(([^)\s]+)\)", re.MULTILINE | re.DOTALL)
"""A link's target, or code, in which nothing is one."""

_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def led_somewhere(path: str, text: str, paths: AbstractSet[str]) -> str:
    """Point a page's links to files that a project with `paths` lacks at our repository.

    Those to other sites, and within the page, stay.
    """
    folders = {posixpath.dirname(each) for each in paths}

    def led(link: re.Match[str]) -> str:
        target, hash_sign, anchor = (link[1] or "").partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return link[0]
        whole = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if whole in paths or whole in folders:
            return link[0]
        return f"]({REPOSITORY}/blob/v{__version__}/{whole}{hash_sign}{anchor})"

    return _LINK.sub(led, text)


def listed(pages: dict[str, str]) -> str:
    """Give a list of pages by path, each as a link that has the page's title."""
    titles = {path: _TITLE.search(text) for path, text in sorted(pages.items())}
    return "\n".join(f"- [{title[1]}]({path})" for path, title in titles.items() if title)
