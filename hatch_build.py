"""Puts the template into the wheel, so that `gatepost new` works wherever gatepost is installed.

The files are this repository's own, gathered while the wheel is built. An editable installation
gets none: there `gatepost new` reads the repository (gatepost/project/source.py).
"""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TemplateHook(BuildHookInterface):  # type: ignore[type-arg] # its parameter is hatchling's own
    """Adds each file of the template under gatepost/project/template/."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to hatchling before it builds."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from gatepost.project.selection import whole_template  # noqa: PLC0415 - needs the path
        from gatepost.project.source import PACKED  # noqa: PLC0415

        root = Path(self.root)
        build_data["force_include"].update(
            {str(root / path): f"{PACKED}/{path}" for path in whole_template(root)}
        )
