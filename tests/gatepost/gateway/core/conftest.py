"""A gateway to talk to: inputs in, commands out, the time a number."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gatepost.gateway.core.commands import Accept, Command, Invoke
from gatepost.gateway.core.deployment import Deployment, LambdaProxy, Route, WebSocketApi
from gatepost.gateway.core.gateway import Gateway
from gatepost.gateway.core.inputs import Input, InvocationFinished, Outcome, Returned, Upgrade
from gatepost.gateway.core.settings import GatewaySettings

START = 1_772_701_623.412
HOST = "localhost:3001"

C = TypeVar("C", bound=Command)

ROUTES = (
    Route("$connect", LambdaProxy("connect")),
    Route("$disconnect", LambdaProxy("disconnect")),
    Route("$default", LambdaProxy("fallback")),
    Route("notify", LambdaProxy("notify"), integration_timeout_s=5.0),
    Route("echo", LambdaProxy("echo"), two_way=True),
)


class Dialogue:
    """A gateway, the present moment, and the commands that the last input led to."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.now = START
        self.commands: list[Command] = []
        self._handshakes = 0

    def say(self, given: Input, *, after: float = 0.0) -> list[Command]:
        """Give the gateway an input, `after` seconds from the last."""
        self.now += after
        self.commands = self.gateway.receive(given, self.now)
        return self.commands

    def all(self, kind: type[C]) -> list[C]:
        """Return the last commands of one kind."""
        return [command for command in self.commands if isinstance(command, kind)]

    def one(self, kind: type[C]) -> C:
        """Return the only one of the last commands that is of this kind."""
        (command,) = self.all(kind)
        return command

    def event(self) -> Any:  # noqa: ANN401 - JSON
        """Return the event of the invocation that was just asked for."""
        return json.loads(self.one(Invoke).event)

    def upgrade(
        self, path: str = "/dev", query: str = "", headers: tuple[tuple[str, str], ...] = ()
    ) -> int:
        """Ask for a WebSocket; return the number of the handshake."""
        self._handshakes += 1
        headers = (("Host", HOST), *headers)
        self.say(Upgrade(self._handshakes, path, query, headers, HOST, "192.0.2.10"))
        return self._handshakes

    def finish(self, invocation_id: int, result: object = None, *, after: float = 0.0) -> None:
        """Let an invocation return `result`, or end with the Outcome that it is."""
        outcome = result if isinstance(result, Outcome) else Returned(json.dumps(result).encode())
        self.say(InvocationFinished(invocation_id, outcome), after=after)

    def connect(self, **request: Any) -> str:  # noqa: ANN401 - passed on to upgrade
        """Complete a handshake with a `$connect` function; return the connection's id."""
        self.upgrade(**request)
        self.finish(self.one(Invoke).invocation_id, {"statusCode": 200})
        return self.one(Accept).connection_id


@pytest.fixture
def talk() -> Callable[..., Dialogue]:
    """Return what starts a dialogue with a gateway of these routes, settings and API options."""

    def start(
        *routes: Route,
        settings: GatewaySettings | None = None,
        seed: int = 1,
        stage: str = "dev",
        **api: Any,  # noqa: ANN401 - fields of WebSocketApi
    ) -> Dialogue:
        table = {route.key: route for route in routes or ROUTES}
        deployed = WebSocketApi("a1b2c3d4e5", "chat", stage, table, **api)
        other = WebSocketApi("f6g7h8i9j0", "other", "other", {})
        deployment = Deployment(
            "demo", "dev", "us-east-1", "000000000000", Path(), (deployed, other), {}
        )
        return Dialogue(Gateway(deployment, settings=settings or GatewaySettings(), seed=seed))

    return start


@pytest.fixture
def dialogue(talk: Callable[..., Dialogue]) -> Dialogue:
    """Return a dialogue with a gateway that has every kind of route."""
    return talk()
