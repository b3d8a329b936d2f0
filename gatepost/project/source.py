"""Where the template is: in the installed wheel, or in the checkout of an editable installation."""

import json
from importlib import metadata
from pathlib import Path
from typing import Final

from gatepost.project.errors import ProjectError

PACKED: Final = "gatepost/project/template"
"""The template's folder in a wheel (hatch_build.py)."""


def template_root() -> Path:
    """Give the folder that holds the template's files. Raises ProjectError where there is none."""
    packed = Path(__file__).parent / "template"
    checkout = Path(__file__).parents[2]
    for root in (packed, checkout):
        if (root / "serverless.yml").is_file() and (root / "functions").is_dir():
            return root
    raise ProjectError(
        "this installation of gatepost lacks the template; install it from its wheel or checkout"
    )


def origin() -> str:
    """Give the URL of the folder or wheel that gatepost was installed from; "" for an index.

    Installers write it down as PEP 610 says.
    """
    try:
        written = metadata.distribution("gatepost").read_text("direct_url.json")
        return str(json.loads(written or "{}").get("url", ""))
    except (metadata.PackageNotFoundError, ValueError):
        return ""
