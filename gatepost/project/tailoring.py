"""What is changed in a file of the template that goes into a project.

Lines for one side only are marked in the file itself (marks.py). Here are the values that the
template has of its own where a project has others: its name and its region. Everything else takes
them from there (`${self:service}`, `var.name`); tests call the system `gatepost` in every project
(tests/infra/own_name.py), so that none of them has to be changed.
"""

import json
from typing import Final

from gatepost import __version__
from gatepost.project.choices import DEFAULT_REGION, Choices
from gatepost.project.marks import resolve

_SERVICE: Final = "service: gatepost\n"
_STACKS: Final = ("gatepost-dev", "gatepost-prod", "gatepost-deploy")
_MODULE_CALL: Final = '  source = "../"\n'
_EXAMPLE: Final = "infra/terraform/example/main.tf"


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
    elif path == "serverless.yml":
        text = _replaced(path, text, _SERVICE, f"service: {choices.name}\n")
    elif path == _EXAMPLE:
        text = _replaced(path, text, _MODULE_CALL, f'{_MODULE_CALL}  name   = "{choices.name}"\n')
    elif path.startswith("docs/how-to/"):
        for stack in _STACKS:
            text = text.replace(stack, stack.replace("gatepost", choices.name))
    elif path.startswith("web/demo/"):
        text = text.replace("Gatepost chat", choices.name).replace("Gatepost", choices.name)
    if path in {"serverless.yml", _EXAMPLE} or path.startswith((".github/", "docs/how-to/ci/")):
        text = text.replace(DEFAULT_REGION, choices.region)
    return text.encode()


def _replaced(path: str, text: str, value: str, own: str) -> str:
    if text.count(value) != 1:
        raise TailoringError(f"{path} has {value.strip()!r} {text.count(value)} times, not once")
    return text.replace(value, own)


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
