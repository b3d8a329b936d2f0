"""Reads a serverless.yml, as Serverless Framework 3 and 4 and osls know it, into a Deployment.

Responsible for the order of things: service, provider, resources, functions, settings. Only what is
used here is read; a project's plugins, `custom` and permissions may hold what this can't resolve.
Templates that are programs (serverless.ts, serverless.js) are not read.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import Deployment, DomainMapping, HttpApi, WebSocketApi
from gatepost.gateway.core.routes import ExpressionError, parse_expression
from gatepost.gateway.template import (
    extensions,
    functions,
    http_api_events,
    resources,
    rest_events,
    websocket_events,
)
from gatepost.gateway.template.dotenv import read_dotenv
from gatepost.gateway.template.errors import HTTP_ALONE, Place
from gatepost.gateway.template.events import read_events
from gatepost.gateway.template.identities import Identities, make_api_id
from gatepost.gateway.template.intrinsics import Intrinsics, Known
from gatepost.gateway.template.routed import behind_routes
from gatepost.gateway.template.stand_ins import Environments
from gatepost.gateway.template.values import NO_VALUES, Values
from gatepost.gateway.template.variables import ACCOUNT_ID, Variables
from gatepost.gateway.template.view import View
from gatepost.gateway.template.yaml_source import Node, read_file

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gatepost.gateway.template.part import Resource

SETTINGS: Final = ("index", "pages", "retry_minute_s")
"""Keys of `custom.gatepost`: the folder of pages to serve, the page at `/`, and how long a minute
lasts between asynchronous retries."""

_NO_OPTIONS: Final[MappingProxyType[str, str]] = MappingProxyType({})


def read_serverless(
    path: Path,
    *,
    stage: str | None,
    options: "Mapping[str, str]" = _NO_OPTIONS,
    environ: "Mapping[str, str]",
    values: Values = NO_VALUES,
    overridden: "Collection[str]" = (),
) -> Deployment:
    """Read the template at `path`; `options` are the framework's own, `--region` for one.

    `values` stands in for what only a deployed account knows. What the template sets an
    environment variable of `overridden` to isn't asked for: it is set from outside.

    Raises TemplateError, with file and line, for whatever can't be read or run.
    """
    name = str(path)
    if path.suffix not in {".yml", ".yaml", ".json"}:
        raise Place(name).error("is not read: only YAML and JSON templates are")
    root = read_file(path, name)
    if not isinstance(root.value, dict):
        what = "it is empty" if root.value is None else "it must be a mapping"
        raise Place(name).error(f"is no serverless template: {what}")
    given = {**values.options, **options, **({} if stage is None else {"stage": stage})}
    folder = path.parent.absolute()
    plain = View(root, "", Variables(root, folder, given, environ, values))
    known = _with_dotenv(plain, folder, environ)
    variables = Variables(root, folder, given, known, values)
    return _deployment(View(root, "", variables), overridden)


def _deployment(template: View, overridden: "Collection[str]") -> Deployment:
    variables = template.variables
    provider = _provider(template)
    stage, region, service = variables.stage(), variables.region(), _service(template)
    section = functions.collect(template.require("functions"), service=service, stage=stage)
    ids = _ApiIds.of(service, stage, provider)
    known = {**functions.known(section, region), **ids.known(region, stage)}
    found, intrinsics = _resources(
        template, _text(provider, "stackName") or f"{service}-{stage}", known
    )
    kinds = intrinsics.foreign
    names = resources.table_names(found, kinds, intrinsics)
    known |= resources.known_tables(names, region)
    parts = resources.parts_of_apis(found, kinds, intrinsics)
    intrinsics.known = Identities(parts, intrinsics.stack, region, given=known)
    environments = Environments(intrinsics, partial(resources.property_of, found))
    reading = functions.Reading(
        section=section,
        provider=provider,
        intrinsics=intrinsics,
        environments=environments,
        root=variables.folder,
        overridden=overridden,
        artifact=functions.artifact_of(template),
    )
    more_sockets, more_http, domains = _written_apis(parts, reading, ids, stage)
    sockets, http_apis = _apis(template, reading, ids, alone=not more_sockets)
    apis, http_apis = (*sockets, *more_sockets), (*http_apis, *more_http)
    return Deployment(
        service=service,
        stage=stage,
        region=region,
        account_id=ACCOUNT_ID,
        root=variables.folder,
        apis=apis,
        http_apis=http_apis,
        domains=domains,
        functions=functions.read_functions(reading, behind_routes((*apis, *http_apis))),
        tables=resources.read_tables(found, names, intrinsics),
        settings=_settings(template),
        notices=(
            *reading.notices,
            *environments.uses.notices(),
            *resources.notices(kinds),
        ),
    )


def _written_apis(
    parts: "dict[str, Resource]", reading: functions.Reading, ids: "_ApiIds", stage: str
) -> tuple[tuple[WebSocketApi, ...], tuple[HttpApi, ...], tuple[DomainMapping, ...]]:
    """Read the APIs that stand among the resources, with their custom domains."""
    if not parts:
        return (), (), ()
    # Most templates have none, and this would cost every start some 40 ms.
    from gatepost.gateway.template.written_apis import read_written_apis  # noqa: PLC0415

    return read_written_apis(parts, reading, http_api_id=ids.http, made=(ids.socket, stage))


def _resources(
    template: View, stack: str, known: "Mapping[str, Known]"
) -> tuple[dict[str, View], Intrinsics]:
    """Return the resources that are made, by logical id, and what carries functions out."""
    variables, added = template.variables, template.get("resources")
    found, parameters = resources.collect(added)
    set_parameters = resources.parameter_values(parameters, variables.values.parameters)
    intrinsics = Intrinsics(
        region=variables.region(),
        stack=stack,
        known=known,
        foreign={},
        parameters=set_parameters,
        unset=frozenset(parameters) - set_parameters.keys(),
        conditions=resources.gather(added, "Conditions"),
        mappings=resources.gather(added, "Mappings"),
        values=variables.values,
    )
    found, intrinsics.left_out = resources.made(found, intrinsics)
    intrinsics.foreign = resources.types(found)
    return found, intrinsics


@dataclass(frozen=True, slots=True)
class _ApiIds:
    """Names and ids of the APIs that the framework may make of one template."""

    socket_name: str
    socket: str
    http_name: str
    http: str
    rest_name: str
    rest: str

    @classmethod
    def of(cls, service: str, stage: str, provider: View) -> "_ApiIds":
        socket = _text(provider, "websocketsApiName") or f"{stage}-{service}-websockets"
        http = http_api_events.api_name(provider, service=service, stage=stage)
        rest = rest_events.api_name(provider, service=service, stage=stage)
        return cls(
            *(socket, make_api_id(service, stage, socket)),
            *(http, make_api_id(service, stage, f"http/{http}")),
            *(rest, make_api_id(service, stage, f"rest/{rest}")),
        )

    def known(self, region: str, stage: str) -> dict[str, Known]:
        """Return what Ref and GetAtt give for each API, and for the stage of sockets."""
        host = f"execute-api.{region}.amazonaws.com"
        return {
            extensions.SOCKET_API: _known_api(self.socket, f"wss://{self.socket}.{host}"),
            extensions.SOCKET_STAGE: Known(stage, {}),
            http_api_events.LOGICAL_ID: _known_api(self.http, f"https://{self.http}.{host}"),
            rest_events.LOGICAL_ID: _known_api(self.rest, f"https://{self.rest}.{host}"),
        }


def _known_api(api_id: str, endpoint: str) -> Known:
    return Known(api_id, {"ApiId": api_id, "ApiEndpoint": endpoint})


def _apis(
    template: View, reading: functions.Reading, ids: _ApiIds, *, alone: bool
) -> tuple[tuple[WebSocketApi, ...], tuple[HttpApi, ...]]:
    """Read the APIs that events make; `alone` if a WebSocket API must be among them."""
    events = read_events(reading)
    if alone and not events.websocket:
        raise template.require("functions").error(
            "have no websocket event, and resources no WebSocket API, so there is none: "
            f"{HTTP_ALONE}"
        )
    stage = template.variables.stage()
    sockets, others = [], []
    if events.websocket:
        socket = WebSocketApi(
            api_id=ids.socket,
            name=ids.socket_name,
            stage=stage,
            routes=websocket_events.read_routes(reading, events.websocket),
            route_selection_expression=_selection_expression(reading.provider),
        )
        added = template.get("resources")
        sockets.append(extensions.extended(socket, added, reading.intrinsics))
    if events.http_api:
        others.append(
            http_api_events.read_http_api(
                reading, events.http_api, api_id=ids.http, name=ids.http_name
            )
        )
    if events.rest:
        others.append(
            rest_events.read_rest_api(
                reading, events.rest, stage=stage, api_id=ids.rest, name=ids.rest_name
            )
        )
    return tuple(sockets), tuple(others)


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
