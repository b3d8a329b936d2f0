"""What is changed in a file of the template that goes into a project.

Lines for one side only are marked in the file itself (marks.py). Here are the values that the
template has of its own where a project has others: its name and its region.
"""

import json
import re
from typing import Final

from gatepost import __version__
from gatepost.project.choices import DEFAULT_REGION, Choices
from gatepost.project.marks import resolve

SERVICE: Final = "gatepost"
"""What the template's own service, package and Terraform module are called."""

_PROVISIONING: Final = ("serverless.yml", ".github/", "infra/", "tests/infra/")
_NAMED_VALUE: Final = re.compile(
    rf"""(?<=["'/]){SERVICE}(?=["'/-])"""  # whole, or what a name begins with
    rf"|\b{SERVICE}-(?=dev\b|prod\b|\$?\{{|\*)"  # before a stage
    rf"|(?<=^service: ){SERVICE}$"
    rf"|(?<=\bmodule\.){SERVICE}\b",
    re.MULTILINE,
)
"""The service's name as a value. Not: the tool's (`custom.gatepost`, `gatepost dev`), nor prose."""


class TailoringError(Exception):
    """A file has not the value any more that should be replaced: a defect of the template."""


def fields_of(choices: Choices) -> dict[str, str]:
    """Give what is filled in for `@name@` and its like."""
    return {
        "name": choices.name,
        "region": choices.region,
        "version": __version__,
        "flags": choices.flags,
    }


def tailored(path: str, content: bytes, choices: Choices) -> bytes:
    """Give a file's content for a project; empty where the file is not for it.

    Raises MarkError and TailoringError.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content
    text = resolve(text, choices.kept, fields_of(choices))
    if path in {"package.json", "package-lock.json"}:
        text = _npm(text, choices)
    elif path.startswith(_PROVISIONING):
        text = _NAMED_VALUE.sub(choices.name, text).replace(DEFAULT_REGION, choices.region)
    elif path.startswith("web/demo/"):
        text = text.replace("Gatepost chat", choices.name).replace("Gatepost", choices.name)
    if path == "serverless.yml" and f"service: {choices.name}\n" not in text:
        raise TailoringError(f"{path} has no line `service: {SERVICE}`")
    return text.encode()


def _npm(text: str, choices: Choices) -> str:
    """Name npm's package, which is a project's own: neither ours nor under our license."""
    package = json.loads(text)
    for described in (package, package.get("packages", {}).get("", {})):
        described.pop("license", None)
        if "description" in described:
            described["description"] = f"Development tools of {choices.name} that come from npm"
        if "name" in described:
            described["name"] = choices.name
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"
