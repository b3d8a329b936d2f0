"""What is deployed: the model that every kind of template is read into.

Plain data. Readers in gatepost/gateway/template make it, the core routes by it, the runner starts
workers from it, the emulator creates tables from it.
"""

from pathlib import Path
from typing import Final

from msgspec import Struct

CONNECT: Final = "$connect"
DISCONNECT: Final = "$disconnect"
DEFAULT: Final = "$default"

INTEGRATION_TIMEOUT_S_MAX: Final = 29.0
"""Longest wait for an integration, not adjustable for WebSocket APIs (B-275)."""


class Route(Struct, frozen=True):
    """One route of a WebSocket API and the function behind it.

    `two_way` is true when the route has a route response, so that the function's body is sent back
    to the caller (B-190). `integration_timeout_s` is 0.05 to 29 (B-275).
    """

    key: str
    function: str
    two_way: bool = False
    integration_timeout_s: float = INTEGRATION_TIMEOUT_S_MAX


class WebSocketApi(Struct, frozen=True):
    """One WebSocket API at one stage; its socket is at `/{stage}`."""

    api_id: str
    name: str
    stage: str
    routes: dict[str, Route]
    route_selection_expression: str = "$request.body.action"
    stage_variables: dict[str, str] = {}


class Function(Struct, frozen=True):
    """One function as Lambda would be given it.

    `handler` is Lambda's handler string (`functions/connect.handler`), relative to `code_root`.
    `environment` is what the template sets, every value already a string.
    """

    name: str
    handler: str
    runtime: str
    code_root: Path
    environment: dict[str, str] = {}
    timeout_s: float = 6.0
    memory_mb: int = 1024


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
    settings: dict[str, str] = {}
    notices: tuple[str, ...] = ()
