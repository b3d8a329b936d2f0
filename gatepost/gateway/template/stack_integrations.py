"""The integrations of a WebSocket API in a stack: AWS_PROXY, AWS, MOCK and HTTP_PROXY.

Responsible for what is behind a route; the routes are stack_websockets.py's. Integrations of other
types, or that reach into a private network, are refused.

Source: the CloudFormation reference of AWS::ApiGatewayV2::Integration and IntegrationResponse.
"""

import re
from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import (
    HttpProxy,
    Integration,
    LambdaMapped,
    LambdaProxy,
    Mock,
    NotEmulated,
)
from gatepost.gateway.template.aws_integrations import mapped_function, service_of
from gatepost.gateway.template.stack_functions import function_named

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from gatepost.gateway.template.part import Part, Resource
    from gatepost.gateway.template.view import View

TIMEOUT_MS_MIN: Final = 50
TIMEOUT_MS_MAX: Final = 29_000

_STAGE_VARIABLE: Final = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
_DEFAULT: Final = "$default"


def read_integration(
    integration: "Resource",
    responses: "Iterable[Resource]",
    *,
    functions: "Container[str]",
    stage_variables: "Mapping[str, str]",
) -> Integration:
    """Read an integration and its responses; raises TemplateError for one that can't be run."""
    kind = integration.require_text("IntegrationType")
    if integration.text("ConnectionType") == "VPC_LINK":
        raise integration.require("ConnectionType").error(
            "is VPC_LINK; a private network can't be reached from here"
        )
    match kind:
        case "AWS_PROXY":
            uri = integration.require("IntegrationUri")
            text = with_stage_variables(integration.require_text("IntegrationUri"), stage_variables)
            return LambdaProxy(known_function(text, uri, functions))
        case "MOCK":
            return _mock(integration, responses)
        case "HTTP_PROXY":
            return HttpProxy(
                method=(integration.text("IntegrationMethod") or "POST").upper(),
                url=integration.require_text("IntegrationUri"),
                request_parameters=integration.text_map("RequestParameters"),
            )
        case "AWS":
            return _aws(integration, responses, functions, stage_variables)
        case _:
            raise integration.require("IntegrationType").error(
                f"is {kind}; only AWS_PROXY, AWS, MOCK and HTTP_PROXY are run here"
            )


def timeout_s(integration: "Resource") -> float | None:
    """Return how long the integration may take (B-275), if the template says so."""
    milliseconds = integration.integer("TimeoutInMillis", TIMEOUT_MS_MIN, TIMEOUT_MS_MAX)
    return None if milliseconds is None else milliseconds / 1000


def known_function(text: str, at: "View", functions: "Container[str]") -> str:
    """Return the function of this template that a URI, ARN or name leads to."""
    name = function_named(text)
    if name is None:
        raise at.error(f"is {text}, which leads to no Lambda function")
    if name not in functions:
        raise at.error(f"leads to function {name}, which this template does not make")
    return name


def with_stage_variables(text: str, stage_variables: "Mapping[str, str]") -> str:
    """Put the values of the stage's variables into a URI; an unknown one becomes nothing."""
    return _STAGE_VARIABLE.sub(lambda match: stage_variables.get(match[1], ""), text)


def _aws(
    integration: "Resource",
    responses: "Iterable[Resource]",
    functions: "Container[str]",
    stage_variables: "Mapping[str, str]",
) -> LambdaMapped | NotEmulated:
    uri = with_stage_variables(integration.require_text("IntegrationUri"), stage_variables)
    at = integration.require("IntegrationUri")
    if function_named(uri) is None:
        return NotEmulated(service_of(uri))
    passthrough = integration.text("PassthroughBehavior")
    try:
        return mapped_function(
            known_function(uri, at, functions),
            requests=integration.text_map("RequestTemplates"),
            selection=integration.text("TemplateSelectionExpression"),
            passthrough=passthrough,
            responses={
                key: template
                for key, template in _answers(responses).items()
                if template is not None
            },
        )
    except ValueError as error:
        raise integration.require("PassthroughBehavior").error(str(error)) from None


def _answers(responses: "Iterable[Resource]") -> dict[str, str | None]:
    """Return the template of each response by its key; None for one without a template."""
    return {
        response.require_text("IntegrationResponseKey"): _selected(response, "ResponseTemplates")
        for response in responses
    }


def _mock(integration: "Resource", responses: "Iterable[Resource]") -> Mock:
    answers = {key: template or "" for key, template in _answers(responses).items()}
    request = _selected(integration, "RequestTemplates")
    if request is None:
        return Mock(response_templates=answers)
    return Mock(request_template=request, response_templates=answers)


def _selected(owner: "Part", key: str) -> str | None:
    """Return the template that the selection expression picks; the only one without it."""
    templates = owner.text_map(key)
    selection = owner.text("TemplateSelectionExpression")
    if selection is not None and (chosen := selection.replace("\\$", "$")) in templates:
        return templates[chosen]
    if _DEFAULT in templates:
        return templates[_DEFAULT]
    if len(templates) > 1:
        raise owner.require(key).error(
            "has several templates; only one that TemplateSelectionExpression names, "
            f"or {_DEFAULT}, is carried out here"
        )
    return next(iter(templates.values()), None)
