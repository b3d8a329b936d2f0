"""`{{resolve:ssm:/path}}` in texts: what a stack asks of an account as it is deployed.

Responsible for the references' form; their values come from the values file.
Source: the CloudFormation user guide, dynamic references.
"""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gatepost.gateway.template.values import Values
    from gatepost.gateway.template.view import View

_REFERENCE: Final = re.compile(r"\{\{resolve:(?P<service>[a-z-]+):(?P<name>[^{}]*)\}\}")
_PARAMETER: Final = re.compile(r"(?P<path>[A-Za-z0-9_./-]+)(?::\d+)?")


def resolve_text(text: str, values: "Values", at: "View") -> str:
    """Return the text with each dynamic reference replaced; a version in one is passed over.

    Raises TemplateError for one that the values file has no value for.
    """
    if "{{resolve:" not in text:
        return text

    def replaced(match: re.Match[str]) -> str:
        service, name = match["service"], match["name"]
        if service in {"ssm", "ssm-secure"} and (parameter := _PARAMETER.fullmatch(name)):
            section, known, key = "ssm", values.ssm, parameter["path"]
        elif service == "secretsmanager":
            section, known, key = "secrets", values.secrets, name
        else:
            raise at.error(f"has {match[0]}, which is no dynamic reference")
        if key not in known:
            raise at.error(
                f"asks AWS for {match[0]}: give {key} under {section} in a file for --values"
            )
        return known[key]

    return _REFERENCE.sub(replaced, text)
