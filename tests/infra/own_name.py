"""The name and region that tests know this system by, whatever the project is called.

Recorded and expected names hold in every project then; a copy is packaged under them.
"""

import re
from pathlib import Path

NAME = "gatepost"
REGION = "us-east-1"
TEMPLATE = Path(__file__).parents[2] / "serverless.yml"
_SERVICE = re.compile(r"^service: .+$", re.MULTILINE)
_REGION = re.compile(r"(?<=\$\{opt:region, ')[a-z0-9-]+(?='\})")


def call_it_by_its_test_name(template: Path) -> None:
    """Rename a copy of this project's template; that of any other project is left alone."""
    service = _SERVICE.search(TEMPLATE.read_text(encoding="utf-8"))
    text = template.read_text(encoding="utf-8") if template.is_file() else ""
    if service and f"{service[0]}\n" in text:
        named = _SERVICE.sub(f"service: {NAME}", text, count=1)
        template.write_text(_REGION.sub(REGION, named), encoding="utf-8")
