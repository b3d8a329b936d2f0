"""The functions of a stack: AWS::Lambda::Function and AWS::Serverless::Function.

Responsible for every function that can be run. One that an API needs and that can't be run refuses
the template; any other is left out, and a notice says why. Source: the CloudFormation reference.
"""

import re
from typing import TYPE_CHECKING, Final

from msgspec import structs

from gatepost.gateway.core.deployment import Function
from gatepost.gateway.template.code_location import code_root
from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.functions import (
    EVENT_AGE_S_MAX,
    EVENT_AGE_S_MIN,
    MEMORY_MB_MAX,
    MEMORY_MB_MIN,
    RETRY_ATTEMPTS_MAX,
    TIMEOUT_S_MAX,
)
from gatepost.gateway.template.yaml_source import scalar_text

if TYPE_CHECKING:
    from collections.abc import Collection

    from gatepost.gateway.template.part import Part, Resource
    from gatepost.gateway.template.stack import Stack
    from gatepost.gateway.template.view import View

TIMEOUT_S_DEFAULT: Final = 3
MEMORY_MB_DEFAULT: Final = 128

_ARN: Final = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d+:function:)?(?P<name>[A-Za-z0-9_.${}-]+)(?::[^:/]+)?"
)
_URI: Final = re.compile(r"arn:[^/]+:lambda:path/[0-9-]+/functions/(?P<arn>.+)/invocations")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HANDLER: Final = re.compile(r"[^\s]+\.[^\s./]+")
_IDLE: Final = frozenset({"FileSystemConfigs", "ImageConfig", "Layers"})
_RUNTIMES: Final = ("python", "nodejs")


def function_named(text: str) -> str | None:
    """Return the function that an ARN, an integration's URI or a name leads to; None for neither.

    Versions and aliases lead to the function itself: there is one version of the code here.
    """
    uri = _URI.fullmatch(text := text.strip())
    found = _ARN.fullmatch(uri["arn"] if uri else text)
    return found["name"] if found else None


def read_functions(stack: "Stack", needed: "Collection[str]") -> dict[str, Function]:
    """Read the functions by name; `needed` are those that APIs lead to.

    Raises TemplateError for one of them that can't be run.
    """
    invoked = _event_invoke_configs(stack)
    custom = _of_custom_resources(stack)
    functions = {}
    for name, resource in stack.functions().items():
        if name not in needed and name in custom:
            stack.notice(resource, "serves a custom resource, so it is not run here")
            continue
        try:
            function = _function(name, resource, stack)
        except TemplateError as error:
            if name in needed:
                raise
            stack.notice(resource, f"is not run here: {error.message}")
            continue
        if name not in needed and not function.runtime.startswith(_RUNTIMES):
            stack.notice(resource, f"is not run here: its runtime is {function.runtime}")
            continue
        stack.note_idle(resource, _IDLE)
        functions[name] = structs.replace(function, **invoked.get(name, {}))
    return functions


def _function(name: str, resource: "Resource", stack: "Stack") -> Function:
    root = code_root(resource, stack)
    handler = resource.require_text("Handler")
    if not _HANDLER.fullmatch(handler):
        raise resource.require("Handler").error(
            f"is {handler!r}; it must be a module and a name: app.handler"
        )
    return Function(
        name=name,
        handler=handler,
        runtime=resource.require_text("Runtime"),
        code_root=root,
        environment=_environment(name, resource, stack),
        timeout_s=resource.integer("Timeout", 1, TIMEOUT_S_MAX) or TIMEOUT_S_DEFAULT,
        memory_mb=resource.integer("MemorySize", MEMORY_MB_MIN, MEMORY_MB_MAX) or MEMORY_MB_DEFAULT,
        dead_letters=resource.get("DeadLetterConfig") is not None,
    )


def _environment(function: str, resource: "Part", stack: "Stack") -> dict[str, str]:
    environment = resource.part("Environment")
    variables = None if environment is None else environment.part("Variables")
    values: dict[str, str] = {}
    for name, view in ({} if variables is None else variables.properties).items():
        if name in stack.overridden:
            continue
        if not _VARIABLE_NAME.fullmatch(name):
            raise view.error("can't be the name of an environment variable")
        text = None
        if not view.is_empty:
            text = stack.environments.text(view, variable=name, function=function)
        if text is not None:
            values[name] = text
    return values


def _event_invoke_configs(stack: "Stack") -> dict[str, dict[str, int]]:
    """Return how often and how long failed asynchronous invocations are tried, where it is set."""
    found = {}
    for config in stack.of_kind("AWS::Lambda::EventInvokeConfig"):
        name = function_named(config.require_text("FunctionName"))
        limits = {
            "retry_attempts": config.integer("MaximumRetryAttempts", 0, RETRY_ATTEMPTS_MAX),
            "event_age_s_max": config.integer(
                "MaximumEventAgeInSeconds", EVENT_AGE_S_MIN, EVENT_AGE_S_MAX
            ),
        }
        if name is not None:
            found[name] = {key: limit for key, limit in limits.items() if limit is not None}
    return found


def _of_custom_resources(stack: "Stack") -> set[str]:
    """Return the functions that CloudFormation calls while it deploys."""
    names = set()
    for resource in stack.resources.values():
        token = resource.properties.get("ServiceToken")
        attribute = None if token is None or not token.is_mapping else token.get("Fn::GetAtt")
        if attribute is not None and (logical_id := _first(attribute)) in stack.resources:
            names.add(stack.ref(logical_id) if logical_id in stack.intrinsics.known else "")
    return names


def _first(attribute: "View") -> str:
    """Return the resource that a GetAtt names."""
    if attribute.is_list:
        element = next(attribute.elements(), None)
        return "" if element is None or element.is_list else scalar_text(element.scalar())
    return scalar_text(attribute.scalar()).partition(".")[0]
