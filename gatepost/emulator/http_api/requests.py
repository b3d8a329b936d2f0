"""A request to an HTTP or REST API on its way: as it came, and what is known about it."""

from urllib.parse import unquote

from msgspec import Struct

from gatepost.gateway.core.deployment import HttpApi, HttpRoute

Headers = tuple[tuple[str, str], ...]


class HttpRequest(Struct, frozen=True):
    """A request as it came.

    `path` and `query` are percent-encoded; the path has the stage in front, if the API has one
    there. `headers` keep order, spelling and repetition. `host` is the authority that the client
    used. `received_at` is epoch seconds.
    """

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    host: str
    source_ip: str
    request_id: str
    trace_id: str
    received_at: float
    protocol: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        """Return the values of a header, joined by commas; None if it did not come."""
        values = [value for given, value in self.headers if given.lower() == name.lower()]
        return ",".join(values) if values else None


class Call(Struct, frozen=True):
    """A request that a route was found for.

    `authorizer` is what requestContext shows of the authorizer's answer.
    """

    api: HttpApi
    route: HttpRoute
    path_parameters: dict[str, str]
    request: HttpRequest
    region: str
    account_id: str
    authorizer: dict[str, object] | None = None

    @property
    def route_key(self) -> str:
        """The route as AWS writes it: `GET /items/{id}`, or `$default`."""
        route = self.route
        return route.path if route.path == "$default" else f"{route.method} {route.path}"

    @property
    def arn(self) -> str:
        """The ARN that an authorizer's policy is about: of this method at this path."""
        path = unquote(below_stage(self.api, self.request.path) or "/")
        return (
            f"arn:aws:execute-api:{self.region}:{self.account_id}:{self.api.api_id}"
            f"/{self.api.stage}/{self.request.method}{path}"
        )


def below_stage(api: HttpApi, path: str) -> str | None:
    """Return the path without the stage in front; None when it is not of this API's stage."""
    if api.stage == "$default":
        return path
    prefix = f"/{api.stage}"
    if path == prefix:
        return "/"
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else None
