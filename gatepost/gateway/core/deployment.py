"""What is deployed: the model that every kind of template is read into.

Plain data. Readers in gatepost/gateway/template make it, the core routes by it, the runner starts
workers from it, the emulator creates tables from it.
"""

from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

CONNECT: Final = "$connect"
DISCONNECT: Final = "$disconnect"
DEFAULT: Final = "$default"

INTEGRATION_TIMEOUT_S_MAX: Final = 29.0
"""Longest wait for an integration, not adjustable for WebSocket APIs (B-275)."""


class LambdaProxy(Struct, frozen=True, tag=True):
    """An AWS_PROXY integration: the function gets the event and makes the result."""

    function: str


class Mock(Struct, frozen=True, tag=True):
    """A MOCK integration, which answers by itself.

    `request_template` yields the JSON object whose `statusCode` picks the answer.
    `response_templates` are bodies by status code or `/pattern/`; `$default` stands for all others.
    In templates only references count (see core/mapping.py).
    """

    request_template: str = '{"statusCode": 200}'
    response_templates: dict[str, str] = {}


class HttpProxy(Struct, frozen=True, tag=True):
    """An HTTP_PROXY integration: the message's body goes to `url`, its answer is the result.

    `url` may hold `${stageVariables.NAME}` and `{name}` of a path parameter. `request_parameters`
    are as AWS writes them: `integration.request.header.X` from `context.connectionId`, from
    `route.request.querystring.token`, from `stageVariables.x`, or from `'text'`.
    """

    method: str
    url: str
    request_parameters: dict[str, str] = {}


class LambdaMapped(Struct, frozen=True, tag=True):
    """An AWS integration of a function: it gets what a template makes of a message, as JSON.

    `request_templates` are by the key that `template_selection_expression` yields, `$default` for
    all others. Without one the message itself goes, as `passthrough` says: NEVER, only when there
    are no templates at all, or always. `response_templates` are as Mock's, over the function's
    answer; without one the answer is the body. It always counts as status 200.
    """

    function: str
    request_templates: dict[str, str] = {}
    template_selection_expression: str = r"\$default"
    passthrough: Literal["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"] = "WHEN_NO_MATCH"
    response_templates: dict[str, str] = {}


class NotEmulated(Struct, frozen=True, tag=True):
    """An AWS integration of another service, which no one stands in for: each use of it fails."""

    service: str


Integration = LambdaProxy | Mock | HttpProxy | LambdaMapped | NotEmulated


class Throttle(Struct, frozen=True):
    """A token bucket: `rate` requests a second, `burst` at once (B-311)."""

    rate: Annotated[float, Meta(ge=0)]
    burst: Annotated[int, Meta(ge=0)]


class Authorizer(Struct, frozen=True):
    """A Lambda REQUEST authorizer.

    `identity_sources` are as AWS writes them: `route.request.querystring.token`,
    `route.request.header.Authorization`, `stageVariables.x`, `context.x` (B-072).
    """

    name: str
    function: str
    identity_sources: tuple[str, ...] = ()


class Route(Struct, frozen=True):
    """One route of a WebSocket API and the integration behind it.

    `integration` is None for a route without a target (B-166). `two_way` is true when the route
    has a route response, so that the integration's body is sent back to the caller (B-190).
    `integration_timeout_s` is 0.05 to 29 (B-275). `authorization` and `api_key_required` count for
    `$connect` alone (B-070, B-086). `models` are JSON schemas by the key that
    `model_selection_expression` yields (B-168).
    """

    key: str
    integration: Integration | None = None
    two_way: bool = False
    integration_timeout_s: float = INTEGRATION_TIMEOUT_S_MAX
    authorization: Authorizer | Literal["NONE", "AWS_IAM"] = "NONE"
    api_key_required: bool = False
    model_selection_expression: str | None = None
    models: dict[str, dict[str, object]] = {}
    throttle: Throttle | None = None

    @property
    def function(self) -> str | None:
        """The name of the function behind the route, if it is one."""
        leads_to = self.integration
        return leads_to.function if isinstance(leads_to, LambdaProxy | LambdaMapped) else None


class ApiKey(Struct, frozen=True):
    """A key that clients show at `$connect`, and the throttle of its usage plan (B-086)."""

    name: str
    value: str
    throttle: Throttle | None = None


class WebSocketApi(Struct, frozen=True):
    """One WebSocket API at one stage; its socket is at `/{stage}`.

    `throttle` is the stage's default for every route without its own (B-311). An API without
    `default_endpoint` is at its custom domains alone (B-327).
    """

    api_id: str
    name: str
    stage: str
    routes: dict[str, Route]
    route_selection_expression: str = "$request.body.action"
    stage_variables: dict[str, str] = {}
    api_keys: tuple[ApiKey, ...] = ()
    api_key_selection_expression: str = "$request.header.x-api-key"
    throttle: Throttle | None = None
    default_endpoint: bool = True


class DomainMapping(Struct, frozen=True):
    """A custom domain, with or without a mapping key, that leads to one API's stage (B-325)."""

    domain: str
    api_id: str
    stage: str
    key: str = ""


class HttpAuthorizer(Struct, frozen=True):
    """A Lambda authorizer of an HTTP or REST API.

    `kind` TOKEN gets one header's value, REQUEST the request. `simple` results say
    `isAuthorized` instead of a policy (payload 2.0 only). `identity_sources` are as AWS writes
    them: `$request.header.Authorization` or `method.request.header.Authorization`.
    """

    name: str
    function: str
    kind: Literal["REQUEST", "TOKEN"] = "REQUEST"
    payload: Literal["1.0", "2.0"] = "2.0"
    simple: bool = False
    identity_sources: tuple[str, ...] = ()


class HttpRoute(Struct, frozen=True):
    """A route of an HTTP or REST API.

    `method` is upper case or ANY; `path` is `/items/{id}`, `/files/{proxy+}` or `$default`.
    """

    method: str
    path: str
    function: str
    payload: Literal["1.0", "2.0"]
    timeout_s: float = 29.0
    authorizer: HttpAuthorizer | None = None


class Cors(Struct, frozen=True):
    """What an API answers to preflight requests, and adds to answers."""

    allow_origins: tuple[str, ...] = ("*",)
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    allow_credentials: bool = False
    max_age_s: int | None = None


class HttpApi(Struct, frozen=True):
    """An HTTP API (`httpApi` events) or a REST API (`http` events) of the same template.

    Routes of the stage `$default` are at `/`, those of any other at `/{stage}`.
    """

    api_id: str
    name: str
    stage: str
    kind: Literal["http", "rest"]
    routes: tuple[HttpRoute, ...]
    cors: Cors | None = None
    stage_variables: dict[str, str] = {}


class Function(Struct, frozen=True):
    """One function as Lambda would be given it.

    `handler` is Lambda's handler string (`functions/connect.handler`), relative to `code_root`.
    `environment` is what the template sets, every value already a string. `retry_attempts` is how
    often an asynchronous invocation that failed is tried again, while it is not older than
    `event_age_s_max`. `dead_letters` tells that one which is given up would go to a queue or topic.
    """

    name: str
    handler: str
    runtime: str
    code_root: Path
    environment: dict[str, str] = {}
    timeout_s: float = 6.0
    memory_mb: int = 1024
    retry_attempts: int = 2
    event_age_s_max: int = 21_600
    dead_letters: bool = False


class Table(Struct, frozen=True):
    """One DynamoDB table: the parameters of CreateTable, and its TTL attribute if it has one."""

    name: str
    create: dict[str, object]
    ttl_attribute: str | None = None


class Deployment(Struct, frozen=True):
    """Everything one template deploys that a local cloud can stand in for.

    `settings` is the template's own `custom.gatepost` block (where pages lie, for instance).
    `notices` are sentences about what was read but has no effect here.
    """

    service: str
    stage: str
    region: str
    account_id: str
    root: Path
    apis: tuple[WebSocketApi, ...]
    functions: dict[str, Function]
    tables: tuple[Table, ...] = ()
    http_apis: tuple[HttpApi, ...] = ()
    domains: tuple[DomainMapping, ...] = ()
    settings: dict[str, str] = {}
    notices: tuple[str, ...] = ()
