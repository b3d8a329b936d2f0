"""Writes down what `osls package` makes of each stage, to be read before it is deployed.

    python -m tests.infra.record_snapshots

`git diff tests/infra/snapshots` then shows what a change does to the resources.
"""

import json
import re
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.infra.conftest import OPTIONS, run_with_params

SNAPSHOTS: Final = Path(__file__).with_name("snapshots")
VARIANTS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "dev": ("dev", {}),
    "prod": ("prod", {}),
    "options": ("prod", OPTIONS),
}
"""Stage and params of each snapshot."""

_MADE_UP: Final = (
    (r"(serverless/[\w-]+/[\w-]+)/[\w.:-]+/", r"\1/WHEN/"),  # the time of packaging
    (r"(WebsocketsDeployment)(?!Stage)\w+", r"\1HASH"),
    (r"(\w+LambdaVersion)\w+", r"\1HASH"),
    (r'("CodeSha256": )"[^"]+"', r'\1"HASH"'),
)


def settled(template: dict[str, Any]) -> str:
    """Return a template as text in which only what somebody changed changes."""
    text = json.dumps(template, indent=1, sort_keys=True) + "\n"
    for pattern, stands in _MADE_UP:
        text = re.sub(pattern, stands, text)
    return text


def main() -> None:
    """Package each variant and write its snapshot."""
    SNAPSHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, (stage, params) in VARIANTS.items():
            package = run_with_params(Path(folder, name), stage, params)
            path = SNAPSHOTS / f"{name}.json"
            path.write_text(settled(package.template), encoding="utf-8")


if __name__ == "__main__":
    main()
