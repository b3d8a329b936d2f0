"""What the HTTP port serves of a deployment beside its pages: HTTP APIs, and Lambda's Invoke."""

from collections.abc import Callable

from gatepost.emulator.errors import UserError
from gatepost.emulator.http_api.apis import HttpApis
from gatepost.emulator.http_api.serving import middleware
from gatepost.emulator.lambda_api import RETRY_MINUTE_S, LambdaApi
from gatepost.emulator.pages import Pages
from gatepost.gateway.core.commands import Report
from gatepost.gateway.core.deployment import Deployment
from gatepost.gateway.runner.invocation import DirectInvoker


def serve_functions(
    pages: Pages,
    deployment: Deployment,
    invoker: DirectInvoker,
    *,
    host: str,
    on_report: Callable[[Report], None],
) -> None:
    """Serve on the port of `pages`, which listens on `host` and has not started yet.

    `custom.gatepost.retry_minute_s` says how long LambdaApi's minutes last. Raises UserError when
    that is no number of seconds.
    """
    invoking = LambdaApi(
        deployment,
        invoker,
        host=host,
        on_report=on_report,
        retry_minute_s=_retry_minute_s(deployment),
    )
    pages.serve(invoking.add_to)
    if deployment.http_apis:
        apis = HttpApis(deployment, invoker)
        pages.answer_first(middleware(apis, has_page=pages.has_page, on_report=on_report))


def api_lines(deployment: Deployment, address: str) -> list[str]:
    """Say where each HTTP and REST API is, in lines of the emulator's summary."""
    return [
        f"  {api.kind.upper():<4} API      http://{address}/"
        + ("" if api.stage == "$default" else f"{api.stage}/")
        for api in deployment.http_apis
    ]


def _retry_minute_s(deployment: Deployment) -> float:
    given = deployment.settings.get("retry_minute_s")
    if given is None:
        return RETRY_MINUTE_S
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 60:  # noqa: PLR2004 - a minute at most
        raise UserError(f"custom.gatepost.retry_minute_s: {given} is not a number from 0 to 60.")
    return seconds
