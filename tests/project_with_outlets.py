"""A copy of this project with a namespace whose hook puts happenings out, made as the page says."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/how-to/react-to-what-happens.md"
COPIED = ("functions", "infra", "serverless.yml", "local.env", "web")


def copy_project(folder: Path) -> None:
    """Copy what is deployed into `folder`, and do to it what the how-to page says."""
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    page = PAGE.read_text(encoding="utf-8")
    imported, namespace = re.findall(r"```python\n(.*?)\n\n(.*?)\n```", page, re.DOTALL)[0]
    variables, resource = re.findall(r"```yaml\n(.*?)\n```", page, re.DOTALL)
    namespaces = folder / "functions/actions/namespaces.py"
    _insert(namespaces, "from functions.core.namespaces import", f"{imported}\n", before=True)
    _insert(namespaces, "NAMESPACES: Final[Namespaces] = {\n", f"{namespace}\n")
    _insert(folder / "serverless.yml", "    TABLE_NAME: !Ref Table\n", f"{variables}\n")
    _insert(folder / "serverless.yml", "  - ${file(infra/permissions.yml)}\n", f"{resource}\n")


def _insert(path: Path, place: str, added: str, *, before: bool = False) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(place) == 1, place
    changed = text.replace(place, added + place if before else place + added)
    path.write_text(changed, encoding="utf-8")
