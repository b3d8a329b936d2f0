"""The name and region that tests know this system by, whatever the project is called.

Recorded and expected names hold in every project then; a copy is packaged under them.
"""

import re
from pathlib import Path

NAME = "gatepost"
REGION = "us-east-1"
TEMPLATE = Path(__file__).parents[2] / "serverless.yml"
_SERVICE = re.compile(r"(?<=^service: ).+$", re.MULTILINE)
_REGION = re.compile(r"(?<=\$\{opt:region, ')[a-z0-9-]+(?='\})")


def own_name() -> str:
    """Give what this project is called indeed: for what no test packages, such as policies."""
    found = _SERVICE.search(TEMPLATE.read_text(encoding="utf-8"))
    return found[0] if found else ""


def own_region() -> str:
    """Give the region that this project is deployed to unless another is asked for."""
    found = _REGION.search(TEMPLATE.read_text(encoding="utf-8"))
    return found[0] if found else ""


def call_it_by_its_test_name(template: Path) -> None:
    """Rename a copy of this project's template; that of any other project is left alone."""
    text = template.read_text(encoding="utf-8") if template.is_file() else ""
    if own_name() and f"service: {own_name()}\n" in text:
        named = _SERVICE.sub(NAME, text, count=1)
        template.write_text(_REGION.sub(REGION, named), encoding="utf-8")
