"""Reads a Terraform plan into a Deployment.

Responsible for the order of things and for what is said about resources without a stand-in. The
plan is the JSON of `terraform show -json PLAN`, best kept in the folder of its `.tf` sources: they
alone say how a value that is unknown until apply is put together.
"""

from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import Deployment
from gatepost.gateway.template.errors import HTTP_ALONE, Place
from gatepost.gateway.template.routed import behind_routes
from gatepost.gateway.template.terraform_functions import read_functions
from gatepost.gateway.template.terraform_http import read_http_apis
from gatepost.gateway.template.terraform_plan import read_plan
from gatepost.gateway.template.terraform_sockets import read_domains, read_sockets
from gatepost.gateway.template.terraform_tables import read_tables
from gatepost.gateway.template.terraform_values import Evaluator
from gatepost.gateway.template.values import NO_VALUES, Values
from gatepost.gateway.template.variables import ACCOUNT_ID, DEFAULT_REGION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from gatepost.gateway.template.terraform_plan import Plan

_SILENT: Final = (
    *("aws_apigatewayv2_", "aws_lambda_", "aws_dynamodb_table", "aws_iam_", "aws_cloudwatch_"),
    *("aws_api_gateway_api_key", "aws_api_gateway_usage_plan", "aws_api_gateway_account"),
    *("aws_acm_", "aws_route53_", "archive_file", "null_resource", "local_file", "random_"),
    *("aws_region", "aws_caller_identity", "aws_partition", "terraform_data", "external"),
)
"""Types that either do their work here or make no difference to it."""


def read_terraform(
    path: "Path",
    *,
    stage: str | None,
    environ: "Mapping[str, str]",
    values: Values = NO_VALUES,
    overridden: "Collection[str]" = (),
) -> Deployment:
    """Read the plan at `path`; `stage` picks the first of several.

    `values` stands in for what is known only once the plan is applied. Raises TemplateError, naming
    resource and attribute, for whatever can't be read or run.
    """
    plan = read_plan(path)
    region = _region(plan, environ, values)
    evaluator = Evaluator(plan, region, values)
    notices = list(plan.notices)
    apis = list(read_sockets(evaluator, notices))
    if not apis:
        raise plan.place.error(
            f"has no aws_apigatewayv2_api of protocol_type WEBSOCKET: {HTTP_ALONE}"
        )
    if stage is not None and all(api.stage != stage for api in apis):
        known = ", ".join(api.stage for api in apis)
        raise Place("--stage").error(f"{stage!r} is no stage of {path}, which has {known}")
    apis.sort(key=lambda api: stage is not None and api.stage != stage)
    http_apis = list(read_http_apis(evaluator, notices))
    functions = read_functions(
        evaluator,
        needed=behind_routes((*apis, *http_apis)),
        overridden=overridden,
        notices=notices,
    )
    return Deployment(
        service=plan.folder.name,
        stage=apis[0].stage,
        region=region,
        account_id=ACCOUNT_ID,
        root=plan.folder,
        apis=tuple(apis),
        functions=functions,
        tables=read_tables(evaluator),
        http_apis=tuple(http_apis),
        domains=tuple(read_domains(evaluator)),
        notices=(*notices, *_not_emulated(plan)),
    )


def _region(plan: "Plan", environ: "Mapping[str, str]", values: Values) -> str:
    """Return the region of the provider's block, else of the environment."""
    given = plan.provider.get("region")
    if isinstance(given, dict):
        if isinstance(given.get("constant_value"), str):
            return str(given["constant_value"])
        for reference in given.get("references") or ():
            name = str(reference).removeprefix("var.")
            value = values.parameters.get(name, plan.variables.get(name))
            if isinstance(value, str):
                return value
    return environ.get("AWS_REGION") or DEFAULT_REGION


def _not_emulated(plan: "Plan") -> "Iterator[str]":
    idle = [one.address for one in plan.root.walk() if not one.type.startswith(_SILENT)]
    if idle:
        yield f"not emulated: {', '.join(idle)}"
