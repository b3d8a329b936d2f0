"""Starts what runs the functions of a test's gateway: its handlers, or those of a template.

Imports what only some gateways need (botocore, workers) when one needs it: a first test waits.
"""

import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from gatepost.emulator.environment import (
    Endpoints,
    choose_node,
    choose_python,
    with_local_environment,
    write_ca_bundle,
)
from gatepost.emulator.own_folder import own_folder
from gatepost.emulator.sockets import main_address
from gatepost.emulator.testing.callables import CallableInvoker
from gatepost.emulator.testing.setup import Routes, Setup, handlers_of
from gatepost.emulator.testing.surroundings import surroundings
from gatepost.gateway.core.deployment import Deployment, Function
from gatepost.gateway.core.ports import Invoker
from gatepost.gateway.runner.environment import is_node

if TYPE_CHECKING:
    from gatepost.gateway.runner.in_process import InProcessRunner
    from gatepost.gateway.runner.pool import WorkerRunner


async def start_functions(
    stack: AsyncExitStack,
    deployment: Deployment,
    setup: Setup,
    routes: Routes | None,
    *,
    gateway: str,
    certificate_authority: bytes,
) -> Invoker:
    """Set the process's environment and start the functions; `stack` undoes it all.

    `gateway` is the authority of its port, `certificate_authority` what vouches for it.
    """
    ca_bundle = write_ca_bundle(stack.enter_context(own_folder()) / "ca.pem", certificate_authority)
    dynamodb = await _tables(stack, deployment) if setup.tables else None
    endpoints = Endpoints(
        gateway=gateway,
        dynamodb=dynamodb or os.environ.get("AWS_ENDPOINT_URL_DYNAMODB"),
        everything_else=dynamodb or os.environ.get("AWS_ENDPOINT_URL"),
    )
    management = f"http://{main_address(deployment, gateway)}"
    ours = _process_environment(management, endpoints, ca_bundle)
    stack.enter_context(surroundings({**setup.environment, **ours} if routes is not None else ours))
    if routes is not None:
        handlers = CallableInvoker(handlers_of(routes, setup), deployment.functions)
        stack.callback(handlers.close)
        return handlers
    functions = with_local_environment(
        deployment, endpoints=endpoints, ca_bundle=ca_bundle, env_file=setup.environment
    )
    runner = _runner(deployment, functions, setup.workers)
    stack.push_async_callback(runner.close)
    await runner.start()
    return runner


def _runner(
    deployment: Deployment, functions: dict[str, Function], workers: int
) -> "InProcessRunner | WorkerRunner":
    from gatepost.gateway.runner.options import Options  # noqa: PLC0415 - see above

    options = Options(account_id=deployment.account_id, node=choose_node(None, functions.values()))
    if not workers and not any(map(is_node, functions.values())):
        from gatepost.gateway.runner.in_process import InProcessRunner  # noqa: PLC0415

        return InProcessRunner(functions, options=options)
    from gatepost.gateway.runner.pool import WorkerRunner  # noqa: PLC0415 - see above

    python = choose_python(None, deployment.root)
    return WorkerRunner(functions, python=python, workers_max=workers or 1, options=options)


async def _tables(stack: AsyncExitStack, deployment: Deployment) -> str:
    from gatepost.emulator.tables import StandIn, create_tables  # noqa: PLC0415 - see above

    stand_in = StandIn()
    stack.push_async_callback(stand_in.stop)
    endpoint = await stand_in.start()
    await create_tables(deployment.tables, endpoint, deployment.region)
    return endpoint


def _process_environment(management: str, endpoints: Endpoints, ca_bundle: Path) -> dict[str, str]:
    given = {
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": management,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoints.dynamodb,
        "AWS_ENDPOINT_URL": endpoints.everything_else,
        # `https://{domainName}/{stage}` from an event must be trusted whoever opens it.
        "AWS_CA_BUNDLE": str(ca_bundle),
        "SSL_CERT_FILE": str(ca_bundle),
        "REQUESTS_CA_BUNDLE": str(ca_bundle),
    }
    return {name: value for name, value in given.items() if value}
