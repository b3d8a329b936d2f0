"""A template of a few files, so that a rule is seen without the whole."""

from collections.abc import Callable
from pathlib import Path

import pytest

MakeTemplate = Callable[..., Path]

FILES = {
    "serverless.yml": "service: gatepost\nregion: us-east-1\n",
    "functions/connect.py": '"""Connect; docs/reference/protocol.md."""\n',
    "docs/reference/protocol.md": "# Protocol\n\n[cli](cli.md#dev) [how](../how-to/a.md)\n",
    "docs/reference/cli.md": "# Command line\n",
    "docs/how-to/a.md": "# Do A\n",
    "LICENSE": "MIT\n",
}


@pytest.fixture
def template(tmp_path: Path) -> MakeTemplate:
    """Lay a template out, with more files by path, and give its folder."""

    def lay(more: dict[str, str] | None = None) -> Path:
        root = tmp_path / "template"
        for path, text in (FILES | (more or {})).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return root

    return lay
