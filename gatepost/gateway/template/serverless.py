"""Reads a serverless.yml, as Serverless Framework 3 and 4 and osls know it, into a Deployment.

Responsible for the order of things: service, provider, resources, functions, settings. Only what is
used here is read; a project's plugins, `custom` and permissions may hold what this can't resolve.
Templates that are programs (serverless.ts, serverless.js) are not read.
"""

import hashlib
import string
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import Deployment, WebSocketApi
from gatepost.gateway.core.routes import ExpressionError, parse_expression
from gatepost.gateway.template import functions, resources
from gatepost.gateway.template.dotenv import read_dotenv
from gatepost.gateway.template.errors import Place
from gatepost.gateway.template.intrinsics import Intrinsics, Known
from gatepost.gateway.template.variables import ACCOUNT_ID, Variables
from gatepost.gateway.template.view import View
from gatepost.gateway.template.yaml_source import Node, read_file

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS: Final = ("index", "pages")
"""Keys of `custom.gatepost`: the folder of pages to serve, and the page at `/`."""

_NO_OPTIONS: Final[MappingProxyType[str, str]] = MappingProxyType({})
_API_LOGICAL_ID: Final = "WebsocketsApi"
_API_ID_CHARACTERS: Final = string.digits + string.ascii_lowercase
_API_ID_LENGTH: Final = 10


def read_serverless(
    path: Path,
    *,
    stage: str | None,
    options: "Mapping[str, str]" = _NO_OPTIONS,
    environ: "Mapping[str, str]",
) -> Deployment:
    """Read the template at `path`; `options` are the framework's own, `--region` for one.

    Raises TemplateError, with file and line, for whatever can't be read or run.
    """
    name = str(path)
    if path.suffix not in {".yml", ".yaml", ".json"}:
        raise Place(name).error("is not read: only YAML and JSON templates are")
    root = read_file(path, name)
    if not isinstance(root.value, dict):
        what = "it is empty" if root.value is None else "it must be a mapping"
        raise Place(name).error(f"is no serverless template: {what}")
    given = {**options, **({} if stage is None else {"stage": stage})}
    folder = path.parent.absolute()
    plain = View(root, "", Variables(root, folder, given, environ))
    known = _with_dotenv(plain, folder, environ)
    return _deployment(View(root, "", Variables(root, folder, given, known)), folder)


def make_api_id(service: str, stage: str, name: str) -> str:
    """Return the id of an API: the same for the same API, 10 characters of `a-z0-9` (B-005)."""
    digest = hashlib.sha256(f"{service}/{stage}/{name}".encode()).digest()
    return "".join(
        _API_ID_CHARACTERS[byte % len(_API_ID_CHARACTERS)] for byte in digest[:_API_ID_LENGTH]
    )


def _deployment(template: View, folder: Path) -> Deployment:
    variables = template.variables
    provider = _provider(template)
    stage, region, service = variables.stage(), variables.region(), _service(template)
    section = functions.collect(template.require("functions"), service=service, stage=stage)
    api_name = _text(provider, "websocketsApiName") or f"{stage}-{service}-websockets"
    api_id = make_api_id(service, stage, api_name)
    found, parameters = resources.collect(template.get("resources"))
    kinds = resources.types(found)
    resources.refuse_api_parts(found, kinds)
    known = {
        **resources.known_parameters(parameters),
        **functions.known(section, region),
        _API_LOGICAL_ID: _known_api(api_id, region),
    }
    stack = _text(provider, "stackName") or f"{service}-{stage}"
    names = resources.table_names(found, kinds, Intrinsics(region, stack, known, kinds))
    known |= resources.known_tables(names, region)
    intrinsics = Intrinsics(region, stack, known, kinds)
    routed = functions.read_routed(section, provider, root=folder, intrinsics=intrinsics)
    if not routed.routes:
        raise template.require("functions").error("have no websocket event, so there is no API")
    api = WebSocketApi(
        api_id=api_id,
        name=api_name,
        stage=stage,
        routes=routed.routes,
        route_selection_expression=_selection_expression(provider),
    )
    return Deployment(
        service=service,
        stage=stage,
        region=region,
        account_id=ACCOUNT_ID,
        root=folder,
        apis=(api,),
        functions=routed.functions,
        tables=resources.read_tables(found, names, intrinsics),
        settings=_settings(template),
        notices=(*routed.notices, *resources.notices(kinds)),
    )


def _provider(template: View) -> View:
    provider = template.require("provider")
    name = provider.require("name") if provider.is_mapping else provider
    if name.text() != "aws":
        raise name.error(f"is {name.text()!r}; only aws is emulated")
    if provider.is_mapping:
        return provider
    return View(Node({}, provider.place), provider.path, template.variables)


def _service(template: View) -> str:
    service = template.require("service")
    return (service.require("name") if service.is_mapping else service).text()


def _text(owner: View, key: str) -> str | None:
    value = owner.get(key)
    return None if value is None else value.text()


def _selection_expression(provider: View) -> str:
    expression = provider.get("websocketsApiRouteSelectionExpression")
    if expression is None:
        return "$request.body.action"
    try:
        parse_expression(expression.text())
    except ExpressionError as error:
        raise expression.place.error(str(error)) from None
    return expression.text()


def _known_api(api_id: str, region: str) -> Known:
    endpoint = f"wss://{api_id}.execute-api.{region}.amazonaws.com"
    return Known(api_id, {"ApiId": api_id, "ApiEndpoint": endpoint})


def _settings(template: View) -> dict[str, str]:
    custom = template.get("custom")
    block = None if custom is None else custom.get("gatepost")
    if block is None:
        return {}
    for key in block.keys():  # noqa: SIM118 - a View is no dict
        if key not in SETTINGS:
            raise block.error(f"has no setting {key!r}; known are {', '.join(SETTINGS)}")
    return {key: value.text() for key, value in block.items()}


def _with_dotenv(template: View, folder: Path, environ: "Mapping[str, str]") -> dict[str, str]:
    """Return the environment and, where `useDotenv` asks for it, what `.env` adds to it."""
    wanted = template.get("useDotenv")
    if wanted is None or not wanted.boolean():
        return dict(environ)
    return {**read_dotenv(folder, template.variables.stage()), **environ}
