"""Reads a deployment template of any known kind into a Deployment.

Responsible for telling the kinds apart; what they say is read by one module each, imported when
there is such a template: the others' readers would cost every start some 40 ms.
"""

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import Deployment
from gatepost.gateway.template.errors import Place
from gatepost.gateway.template.kinds import is_cloudformation
from gatepost.gateway.template.serverless import read_serverless
from gatepost.gateway.template.values import NO_VALUES, Values
from gatepost.gateway.template.yaml_source import read_file

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DEFAULT_NAMES: Final = (
    *("serverless.yml", "serverless.yaml", "serverless.json"),
    *("template.yaml", "template.yml", "template.json"),
)
"""The names of templates that are looked for in a folder, in this order."""

_PROGRAMS: Final = ("serverless.ts", "serverless.js", "serverless.cjs", "serverless.mjs")

_NO_OPTIONS: Final[MappingProxyType[str, str]] = MappingProxyType({})
_KNOWN_SUFFIXES: Final = frozenset({".json", ".yaml", ".yml", ".template"})


def find_template(folder: Path) -> Path:
    """Return the template of a folder; raises TemplateError that lists what was looked for."""
    for name in DEFAULT_NAMES:
        if (folder / name).is_file():
            return folder / name
    for name in _PROGRAMS:
        if (folder / name).is_file():
            raise Place(str(folder / name)).error(
                "is a program, which is not run here: `osls package` or `serverless package` makes "
                "a template of it, to be given as "
                "--template .serverless/cloudformation-template-update-stack.json"
            )
    raise Place(str(folder.absolute())).error(
        f"has none of {', '.join(DEFAULT_NAMES)}; --template names another template"
    )


def read_template(
    path: Path,
    *,
    stage: str | None,
    environ: "Mapping[str, str]",
    options: "Mapping[str, str]" = _NO_OPTIONS,
    values: Values = NO_VALUES,
    overridden: "Collection[str]" = (),
) -> Deployment:
    """Read the template at `path`; `values` stands in for what only a deployed account knows.

    `overridden` names environment variables that are set from outside, by an environment file:
    what the template sets them to may be unknown.

    Raises TemplateError, with file and line, for whatever can't be read or run.
    """
    if path.is_dir():
        found = next((name for name in DEFAULT_NAMES if (path / name).is_file()), None)
        advice = "name the template in it" if found is None else f"give {path / found}"
        raise Place(str(path)).error(f"is a folder: {advice}")
    if path.suffix == ".json":
        from gatepost.gateway.template.terraform_plan import is_plan  # noqa: PLC0415 - see above

        if is_plan(path):
            from gatepost.gateway.template.terraform import read_terraform  # noqa: PLC0415

            return read_terraform(
                path, stage=stage, environ=environ, values=values, overridden=overridden
            )
    if path.suffix in _KNOWN_SUFFIXES and is_cloudformation(read_file(path, str(path))):
        from gatepost.gateway.template.cloudformation import (  # noqa: PLC0415 - see above
            read_cloudformation,
        )

        return read_cloudformation(
            path, stage=stage, environ=environ, values=values, overridden=overridden
        )
    return read_serverless(
        path, stage=stage, options=options, environ=environ, values=values, overridden=overridden
    )
