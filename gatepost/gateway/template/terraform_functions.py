"""Lambda functions of a Terraform plan.

Responsible for handler, environment and the folder that a package is made of: the plan names a zip
file, the emulator runs what lies in the project.
"""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import structs

from gatepost.gateway.core.deployment import Function
from gatepost.gateway.template.archives import ArchiveError, unpack
from gatepost.gateway.template.code_location import has_handler
from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.functions import (
    MEMORY_MB_MAX,
    MEMORY_MB_MIN,
    TIMEOUT_S_MAX,
)
from gatepost.gateway.template.hcl_functions import text
from gatepost.gateway.template.stand_ins import Uses
from gatepost.gateway.template.terraform_blocks import nested
from gatepost.gateway.template.terraform_links import keep_with_sources, linked, referred
from gatepost.gateway.template.terraform_plan import Unknown
from gatepost.gateway.template.terraform_stand_ins import StandIns
from gatepost.gateway.template.terraform_values import UNTIL_APPLY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from gatepost.gateway.template.terraform_plan import Resource
    from gatepost.gateway.template.terraform_values import Evaluator

TYPE: Final = "aws_lambda_function"
TIMEOUT_S_DEFAULT: Final = 3.0
MEMORY_MB_DEFAULT: Final = MEMORY_MB_MIN

_RUNTIMES: Final = re.compile(r"python3\.[0-9]+|nodejs[0-9]+\.(x|[0-9]+)")
_HANDLER: Final = re.compile(r"[^\s]+\.[^\s./]+")
_NEIGHBOURS: Final = ("src", "lambda", "lambdas", "functions", "handlers", ".")
_OBJECTS: Final = ("aws_s3_object", "aws_s3_bucket_object")
_EVENT_INVOKE_CONFIG: Final = "aws_lambda_function_event_invoke_config"


def function_of(evaluator: "Evaluator", resource: "Resource", attribute: str) -> str | None:
    """Return the name of the function that an attribute refers to, also by an alias.

    Raises TemplateError for one that is not in the plan.
    """
    target = linked(evaluator, resource, attribute, TYPE, "aws_lambda_alias")
    if target is not None and target.type != TYPE:
        target = linked(evaluator, target, "function_name", TYPE)
    return None if target is None else evaluator.text(target, "function_name")


def read_functions(
    evaluator: "Evaluator",
    *,
    needed: "Collection[str]",
    overridden: "Collection[str]",
    notices: list[str],
) -> dict[str, Function]:
    """Read every function by its name.

    Raises TemplateError for one of `needed` that can't be run. Another is left out with a notice.
    """
    functions: dict[str, Function] = {}
    uses = Uses()
    invoked = dict(_event_invoke_configs(evaluator))
    for resource in evaluator.plan.of_type(TYPE):
        name = str(evaluator.attribute(resource, "function_name"))
        try:
            function = _function(evaluator, resource, overridden, uses, notices=notices)
            if name not in needed and not _RUNTIMES.fullmatch(function.runtime):
                raise evaluator.error(
                    resource, f"has the runtime {function.runtime}, which can't be run here"
                )
            if function.name in functions:
                raise evaluator.error(
                    resource, f"has the name {function.name}, as another function has"
                )
        except TemplateError as error:
            if name in needed:
                raise
            notices.append(f"{resource.address} is left out: {error.message}")
            continue
        functions[function.name] = structs.replace(function, **invoked.get(function.name, {}))
        if resource.values.get("layers"):
            notices.append(f"layers of {resource.address} have no effect here")
    notices.extend(uses.notices())
    return functions


def _event_invoke_configs(evaluator: "Evaluator") -> "Iterator[tuple[str, dict[str, int]]]":
    for resource in evaluator.plan.of_type(_EVENT_INVOKE_CONFIG):
        name = function_of(evaluator, resource, "function_name")
        limits = {
            "retry_attempts": resource.values.get("maximum_retry_attempts"),
            "event_age_s_max": resource.values.get("maximum_event_age_in_seconds"),
        }
        if name is not None:
            yield name, {key: limit for key, limit in limits.items() if isinstance(limit, int)}


def _function(
    evaluator: "Evaluator",
    resource: "Resource",
    overridden: "Collection[str]",
    uses: Uses,
    *,
    notices: list[str],
) -> Function:
    if resource.values.get("package_type") == "Image":
        raise evaluator.error(resource, "can't be run here: a container image names no handler")
    handler, runtime, name = (
        evaluator.text(resource, attribute) for attribute in ("handler", "runtime", "function_name")
    )
    if not handler or not runtime or not name:
        raise evaluator.error(resource, "needs function_name, handler and runtime")
    if not _HANDLER.fullmatch(handler):
        raise evaluator.error(
            resource, f"has handler {handler!r}; it must be a module and a name: app.handler"
        )
    return Function(
        name=name,
        handler=handler,
        runtime=runtime,
        code_root=_code_root(evaluator, resource, handler, notices),
        environment=_environment(evaluator, resource, overridden, uses),
        timeout_s=number(
            evaluator, resource, "timeout", default=TIMEOUT_S_DEFAULT, high=TIMEOUT_S_MAX
        ),
        memory_mb=int(
            number(
                evaluator, resource, "memory_size", default=MEMORY_MB_DEFAULT, high=MEMORY_MB_MAX
            )
        ),
        dead_letters=bool(resource.values.get("dead_letter_config")),
    )


def number(
    evaluator: "Evaluator", resource: "Resource", name: str, *, default: float, high: float
) -> float:
    """Return a number above 0, or the default where the plan has none."""
    value = evaluator.attribute(resource, name)
    if value is None or isinstance(value, Unknown):
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= high:
        raise evaluator.error(resource, f"has {name} that is no number up to {high:g}")
    return float(value)


def _environment(
    evaluator: "Evaluator", resource: "Resource", overridden: "Collection[str]", uses: Uses
) -> dict[str, str]:
    given = evaluator.values.resources.get(resource.address, {})
    prefix = "environment."
    values = {
        key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)
    }
    variables = nested(evaluator, resource, "environment", "variables")
    if isinstance(variables, Unknown):
        if values or overridden:
            return values
        raise evaluator.error(
            resource,
            f"has an environment from {variables.reason}, which is only known once it is applied. "
            f"{keep_with_sources(resource)}a file given by --values can set it: "
            f"resources, {resource.address}, environment.NAME",
        )
    for name, value in variables.items() if isinstance(variables, dict) else ():
        if name in overridden or name in values or value is None:
            continue
        if isinstance(value, Unknown):
            stand_in = _stand_in(evaluator, resource, name)
            if stand_in is not None:
                uses.add(value.resource, name, str(evaluator.attribute(resource, "function_name")))
                values[name] = stand_in
                continue
            raise evaluator.error(
                resource,
                f"sets {name} from {value.reason}, {UNTIL_APPLY}: "
                f"resources, {resource.address}, {prefix}{name}",
            )
        if isinstance(value, list | dict):
            raise evaluator.error(resource, f"sets {name} to what is no text")
        values[name] = text(value)
    return values


def _stand_in(evaluator: "Evaluator", resource: "Resource", variable: str) -> str | None:
    """Return a variable with stand-ins in it; None where they don't make it known."""
    stand_ins = StandIns(evaluator.region, evaluator.plan.folder.name)
    lenient = evaluator.with_stand_ins(stand_ins.attribute)
    variables = nested(lenient, resource, "environment", "variables")
    value = variables.get(variable) if isinstance(variables, dict) else None
    return None if isinstance(value, Unknown | list | dict | None) else text(value)


def _code_root(
    evaluator: "Evaluator", resource: "Resource", handler: str, notices: list[str]
) -> Path:
    """Return the folder that has the handler's file.

    It is what the values file says (`source_dir`), what an archive_file is made of, a folder of the
    zip file's name, a neighbour of the plan, the project in whose `build` the zip file is, or else
    the zip file itself, unpacked.
    """
    root = evaluator.plan.folder
    hint = evaluator.values.resources.get(resource.address, {}).get("source_dir")
    if hint is not None:
        return root / hint
    packages = list(_packages(evaluator, resource))
    looked_in: list[str] = []
    for folder in _folders(evaluator, resource, packages):
        if has_handler(folder, handler):
            return folder
        looked_in.append(os.path.relpath(folder, root))
    for package in packages:
        if package.is_file():
            try:
                return unpack(
                    package, root, lambda words: notices.append(f"{resource.address} {words}")
                )
            except ArchiveError as error:
                raise evaluator.error(resource, f"has {package}, which {error}") from None
    raise evaluator.error(
        resource,
        f"has a package whose folder isn't found: none of {', '.join(dict.fromkeys(looked_in))} "
        f"has {handler.rpartition('.')[0]}. A file given by --values can name it: "
        f"resources, {resource.address}, source_dir",
    )


def _packages(evaluator: "Evaluator", resource: "Resource") -> "Iterator[Path]":
    """Iterate over what may be the zip file: also that of an object in S3, where it lies here."""
    values = [evaluator.attribute(resource, name) for name in ("filename", "s3_key")]
    stored = referred(resource, "s3_key", _OBJECTS)
    for value in (*values, *(evaluator.attribute(one, "source") for one in stored)):
        if isinstance(value, str):
            yield evaluator.plan.folder / value


def _folders(
    evaluator: "Evaluator", resource: "Resource", packages: "Iterable[Path]"
) -> "Iterator[Path]":
    root = evaluator.plan.folder
    archives = referred(resource, "filename", ("archive_file",))
    for stored in referred(resource, "s3_key", _OBJECTS):
        archives += referred(stored, "source", ("archive_file",))
    for archive in archives:
        directory, file = (
            evaluator.attribute(archive, name) for name in ("source_dir", "source_file")
        )
        if isinstance(directory, str):
            yield root / directory
        if isinstance(file, str):
            yield (root / file).parent
    for package in packages:
        yield package.with_suffix("")
        yield root / package.stem
        yield root.parent / package.stem
    for folder in (root, root.parent):
        yield from (folder / neighbour for neighbour in _NEIGHBOURS)
    for package in packages:  # made into `build` or `dist` of the project
        yield Path(os.path.normpath(package)).parent.parent
