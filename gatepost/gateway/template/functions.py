"""The `functions` section of a serverless.yml: what Lambda would be given.

Responsible for every function that can be run, whatever invokes it; their events are read by
websocket_events.py, http_api_events.py and rest_events.py.
Source: the framework's reference of serverless.yml.
"""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import Function
from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.intrinsics import Known
from gatepost.gateway.template.variables import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from gatepost.gateway.template.intrinsics import Intrinsics
    from gatepost.gateway.template.stand_ins import Environments
    from gatepost.gateway.template.view import View

TIMEOUT_S_DEFAULT: Final = 6
TIMEOUT_S_MAX: Final = 900
MEMORY_MB_DEFAULT: Final = 1024
MEMORY_MB_MIN: Final = 128
MEMORY_MB_MAX: Final = 10_240
RETRY_ATTEMPTS_MAX: Final = 2
"""How often Lambda repeats a failed asynchronous invocation, where a function says no less."""
EVENT_AGE_S_MIN: Final = 60
EVENT_AGE_S_MAX: Final = 21_600
"""How long Lambda tries at all, where a function says no less (PutFunctionEventInvokeConfig)."""
RUNTIME_DEFAULT: Final = "nodejs24.x"
"""What the framework takes when a template names no runtime."""

_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HANDLER: Final = re.compile(r"[^\s]+\.[^\s./]+")
_RUNTIMES: Final = re.compile(r"python3\.[0-9]+|nodejs[0-9]+\.(x|[0-9]+)")
_FUNCTION_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]+:function:(?P<name>[A-Za-z0-9_-]+)(:[A-Za-z0-9_$-]+)?"
)


@dataclass(frozen=True, slots=True)
class Section:
    """The functions of a template as written: their views by key, and their names when deployed."""

    views: "dict[str, View]"
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """One template while its functions and APIs are read; `notices` grows.

    `overridden` are environment variables that are set from outside, so that what the template
    says of them isn't asked for. `artifact` is the package of functions without their own.
    """

    section: Section
    provider: "View"
    intrinsics: "Intrinsics"
    environments: "Environments"
    root: "Path"
    overridden: "Collection[str]" = ()
    artifact: "View | None" = None
    notices: list[str] = field(default_factory=list)

    def function_of(self, reference: "View") -> str:
        """Return the name of the function that a key, a name in an ARN or a GetAtt means.

        Raises TemplateError for one that is no function of the template: it can't be run here.
        """
        text = self.intrinsics.text(reference) or ""
        if text in self.section.names:
            return self.section.names[text]
        arn = _FUNCTION_ARN.fullmatch(text)
        if arn is not None and arn["name"] in self.section.names.values():
            return arn["name"]
        raise reference.error(
            f"is {text!r}, which is no function of this template and can't be run here: "
            "rather than let everyone in, the template is refused"
        )


@dataclass(frozen=True, slots=True)
class _Settings:
    """A function's settings, which the provider's stand in for."""

    function: "View"
    provider: "View"

    def either(self, key: str) -> "View | None":
        own = self.function.get(key)
        return self.provider.get(key) if own is None else own

    def number(self, key: str, low: int, high: int) -> int | None:
        value = self.either(key)
        return None if value is None else value.integer(low, high)


def collect(section: "View", *, service: str, stage: str) -> Section:
    """Return the functions of the section, which is a mapping or a list of mappings."""
    views: dict[str, View] = {}
    for part in section.elements() if section.is_list else [section]:
        if part.is_empty:
            continue
        for key, view in part.items():
            if key in views:
                raise view.error(f"is there twice, first at {views[key].place}")
            if not view.is_empty:
                views[key] = view
    names = {}
    for key, view in views.items():
        given = view.get("name")
        names[key] = f"{service}-{stage}-{key}" if given is None else given.text()
    return Section(views, names)


def known(section: Section, region: str) -> dict[str, Known]:
    """Return what Ref and GetAtt give for each function, by the framework's logical ids."""
    prefix = f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:"
    return {
        _logical_id(key): Known(name, {"Arn": prefix + name}) for key, name in section.names.items()
    }


def _logical_id(key: str) -> str:
    normal = key.replace("-", "Dash").replace("_", "Underscore")
    return f"{normal[:1].upper()}{normal[1:]}LambdaFunction"


def read_functions(reading: Reading, needed: "Collection[str]") -> dict[str, Function]:
    """Read every function by its name.

    Raises TemplateError for one of `needed` that can't be run, and for two of one name. Another
    that can't be run is left out with a notice.
    """
    functions: dict[str, Function] = {}
    names: set[str] = set()
    for key, view in reading.section.views.items():
        name = reading.section.names[key]
        if name in names:
            raise view.error(f"has the name {name}, as another function has")
        names.add(name)
        try:
            functions[name] = _function(name, view, reading)
            if name not in needed:
                _check_runtime(view, functions[name])
        except TemplateError as error:
            if name in needed:
                raise
            functions.pop(name, None)
            reading.notices.append(f"{key} is left out: {error}")
        else:
            reading.notices.extend(_without_effect(key, view, reading.provider))
    return functions


def _check_runtime(view: "View", function: Function) -> None:
    """Refuse a runtime that no worker exists for; the runner does for functions that it needs."""
    if not _RUNTIMES.fullmatch(function.runtime):
        raise view.error(f"has the runtime {function.runtime}, which can't be run here")


def _without_effect(key: str, view: "View", provider: "View") -> "Iterator[str]":
    if "layers" in view or "layers" in provider:
        yield f"{view.place}: layers of {key} have no effect here"
    for setting, verb in (("destinations", "have"), ("url", "has")):
        if (value := view.get(setting)) is not None and value.node.value is not False:
            yield f"{value.place}: {setting} of {key} {verb} no effect here"


def _function(name: str, view: "View", reading: Reading) -> Function:
    settings = _Settings(view, reading.provider)
    if (image := view.get("image")) is not None:
        raise image.error("can't be run here: a container image names no handler")
    handler = view.require("handler")
    if not _HANDLER.fullmatch(handler.text()):
        raise handler.error(f"is {handler.text()!r}; it must be a module and a name: app.handler")
    given, retries = settings.either("runtime"), view.get("maximumRetryAttempts")
    age = view.get("maximumEventAge")
    runtime = RUNTIME_DEFAULT if given is None else given.text()
    return Function(
        name=name,
        handler=handler.text(),
        runtime=runtime,
        code_root=_code_root(view, handler.text(), runtime, reading),
        environment=_environment(name, settings, reading),
        timeout_s=settings.number("timeout", 1, TIMEOUT_S_MAX) or TIMEOUT_S_DEFAULT,
        memory_mb=settings.number("memorySize", MEMORY_MB_MIN, MEMORY_MB_MAX) or MEMORY_MB_DEFAULT,
        retry_attempts=(
            RETRY_ATTEMPTS_MAX if retries is None else retries.integer(0, RETRY_ATTEMPTS_MAX)
        ),
        event_age_s_max=(
            EVENT_AGE_S_MAX if age is None else age.integer(EVENT_AGE_S_MIN, EVENT_AGE_S_MAX)
        ),
        dead_letters="onError" in view,
    )


def _code_root(view: "View", handler: str, runtime: str, reading: Reading) -> "Path":
    """Return the project, or the function's own folder in it, or an unpacked artifact.

    An artifact counts where the sources of its handler are not in the project.
    """
    # `module` is serverless-python-requirements' word for a function's own folder.
    module = view.get("module")
    root = reading.root if module is None else reading.root / module.text()
    artifact = artifact_of(view) or reading.artifact
    if artifact is None or not _RUNTIMES.fullmatch(runtime):
        return root
    from gatepost.gateway.template.archives import ArchiveError, unpack  # noqa: PLC0415 - rare
    from gatepost.gateway.template.code_location import has_handler  # noqa: PLC0415

    path = reading.root / artifact.text()
    if has_handler(root, handler):
        # Whoever packaged yesterday and edits today must not run what is old: said, once.
        notice = f"{artifact.text()} is not unpacked: its handlers are run from the project"
        if path.is_file() and notice not in reading.notices:
            reading.notices.append(notice)
        return root
    if not path.is_file():
        raise artifact.error(f"is {artifact.text()}, which is not there, as {handler} is not")
    try:
        return unpack(
            path,
            reading.root,
            lambda sentence: reading.notices.append(f"{artifact.place}: {handler} {sentence}"),
        )
    except ArchiveError as error:
        raise artifact.error(f"is {artifact.text()}, which {error}") from None


def artifact_of(owner: "View") -> "View | None":
    """Return `package.artifact` of a function or of the whole template, if it has one."""
    package = owner.get("package")
    return None if package is None or not package.is_mapping else package.get("artifact")


def _environment(function: str, settings: _Settings, reading: Reading) -> dict[str, str]:
    """Return the provider's variables and the function's own, which win."""
    merged: dict[str, View] = {}
    for owner in (settings.provider, settings.function):
        if (environment := owner.get("environment")) is not None:
            merged.update(environment.items(skip=reading.overridden))
    values = {}
    for name, value in merged.items():
        if not _VARIABLE_NAME.fullmatch(name):
            raise value.error("can't be the name of an environment variable")
        text = None
        if not value.is_empty:
            text = reading.environments.text(value, variable=name, function=function)
        if text is not None:
            values[name] = text
    return values
