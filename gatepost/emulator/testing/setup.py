"""What a test asks for, made into a deployment and into what runs its functions."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from gatepost.emulator.testing.callables import Handler
from gatepost.gateway.core.deployment import (
    CONNECT,
    Authorizer,
    Deployment,
    Function,
    LambdaProxy,
    Route,
    WebSocketApi,
)
from gatepost.gateway.core.settings import GatewaySettings

Routes = Mapping[str, Handler | Route]
"""By route key, a handler, or a Route to whatever it says."""

AUTHORIZER: Final = "authorizer"
"""Name of the authorizer's function among the invocations."""


class Setup(Struct, frozen=True, kw_only=True):
    """How the gateway of a test is set up (docs/how-to/test-your-handlers.md).

    For handlers given directly: `two_way` are the keys of routes with a route response;
    `authorizer` is a handler that guards `$connect`, `identity_sources` as AWS writes them;
    `expression` selects routes. For a `template`: its `stage`; `tables` starts moto and creates
    the tables there; `workers` is how many processes a function may have, 0 for none: Python
    functions then run in the test's own process; `values` is a values file. For both: variables of
    the functions' `environment`, the gateway's `settings`, and `clock_stands` for a clock that
    moves only by `advance`.
    """

    template: str | Path | None = None
    stage: str | None = None
    values: str | Path | None = None
    tables: bool = False
    workers: int = 0
    two_way: tuple[str, ...] | list[str] = ()
    authorizer: Handler | None = None
    identity_sources: tuple[str, ...] | list[str] = ()
    expression: str = "$request.body.action"
    environment: dict[str, str] = {}
    settings: GatewaySettings = GatewaySettings()
    clock_stands: bool = False


def deployment_of_template(template: str | Path, setup: Setup) -> Deployment:
    """Read a template. Raises TemplateError."""
    from gatepost.gateway.template.reader import read_template  # noqa: PLC0415 - few tests need it
    from gatepost.gateway.template.values import NO_VALUES, read_values  # noqa: PLC0415

    return read_template(
        Path(template),
        stage=setup.stage,
        environ=os.environ,
        values=NO_VALUES if setup.values is None else read_values(Path(setup.values)),
    )


def deployment_of_routes(routes: Mapping[str, object], setup: Setup) -> Deployment:
    """Give an API with these routes: a Route as it is, for a handler one to its function.

    Raises ValueError for what makes no sense, TypeError for what is neither route nor handler.
    """
    if not isinstance(routes, Mapping):
        raise TypeError("handlers are given as a dictionary, by route key")
    for key, given in routes.items():
        if not callable(given) and not isinstance(given, Route):
            raise TypeError(f"the handler of {key} is {given!r}, which can't be called")
    if strange := set(setup.two_way) - set(routes):
        raise ValueError(f"two_way names routes without a handler: {', '.join(sorted(strange))}")
    if setup.authorizer and CONNECT not in routes:
        raise ValueError(f"an authorizer guards {CONNECT}, which has no handler here")
    names = [key for key, given in routes.items() if not isinstance(given, Route)]
    if setup.authorizer:
        names.append(AUTHORIZER)
    guard = Authorizer(AUTHORIZER, AUTHORIZER, tuple(setup.identity_sources))
    stage = setup.stage or "dev"
    api = WebSocketApi(
        api_id="a1b2c3d4e5",
        name="test",
        stage=stage,
        routes={
            key: given
            if isinstance(given, Route)
            else Route(
                key,
                LambdaProxy(key),
                two_way=key in setup.two_way,
                authorization=guard if key == CONNECT and setup.authorizer else "NONE",
            )
            for key, given in routes.items()
        },
        route_selection_expression=setup.expression,
    )
    return Deployment(
        service="test",
        stage=stage,
        region=os.environ.get("AWS_REGION", "us-east-1"),
        account_id="123456789012",
        root=Path(),
        apis=(api,),
        functions={name: Function(name, name, "python3.13", Path()) for name in names},
    )


def handlers_of(routes: Routes, setup: Setup) -> dict[str, Handler]:
    """Give the handlers by function name, the authorizer among them."""
    handlers = {key: given for key, given in routes.items() if not isinstance(given, Route)}
    return {**handlers, AUTHORIZER: setup.authorizer} if setup.authorizer else handlers
