"""APIs and requests for tests of what an API does, without a socket."""

import asyncio
import json
from pathlib import Path
from typing import Any

from msgspec import structs

from gatepost.emulator.http_api.answers import HttpAnswer
from gatepost.emulator.http_api.apis import HttpApis
from gatepost.emulator.http_api.requests import Call, Headers, HttpRequest
from gatepost.emulator.http_api.routes import Router
from gatepost.gateway.core.deployment import Deployment, HttpApi, HttpRoute
from gatepost.gateway.core.inputs import Failed, NotInvocable, Outcome, Returned

Event = dict[str, Any]
NOW = 1_772_701_623.25


class Functions:
    """An Invoker whose functions return what the test says, or raise."""

    def __init__(self, **functions: object) -> None:
        self.functions = functions
        self.events: list[tuple[str, Event]] = []

    async def invoke(self, function: str, event: bytes) -> Outcome:
        """Return what the function is, or what it returns when it is called with the event."""
        self.events.append((function, json.loads(event)))
        match self.functions.get(function, NotInvocable("no such function")):
            case Returned() | Failed() | NotInvocable() as outcome:
                return outcome
            case asyncio.Event() as never:
                await never.wait()
                return Returned(b"null")
            case result:
                return Returned(json.dumps(result).encode())

    def event_of(self, function: str) -> Event:
        """The only event that a function got."""
        (event,) = [event for name, event in self.events if name == function]
        return event


def route(key: str, **given: object) -> HttpRoute:
    """A route from `GET /items`, whose function is `f`."""
    method, _, path = key.rpartition(" ")
    return structs.replace(HttpRoute(method or "ANY", path, "f", "2.0"), **given)


def rest_route(key: str, **given: object) -> HttpRoute:
    """A route of a REST API."""
    return route(key, payload="1.0", **given)


def http_api(*routes: HttpRoute, **given: object) -> HttpApi:
    """An HTTP API at `/`."""
    return structs.replace(HttpApi("h1h2h3h4h5", "http", "$default", "http", routes), **given)


def rest_api(*routes: HttpRoute, **given: object) -> HttpApi:
    """A REST API at `/dev`."""
    return structs.replace(HttpApi("r1r2r3r4r5", "rest", "dev", "rest", routes), **given)


def request(
    method: str = "GET", target: str = "/", headers: Headers = (), body: bytes = b""
) -> HttpRequest:
    """A request from a browser on this machine."""
    path, _, query = target.partition("?")
    return HttpRequest(
        method,
        path,
        query,
        (("Host", "localhost:3000"), *headers),
        body,
        host="localhost:3000",
        source_ip="127.0.0.1",
        request_id="R1",
        trace_id="Root=1-2-3",
        received_at=NOW,
    )


def call(api: HttpApi, given: HttpRequest, below: str | None = None) -> Call:
    """The call that a request becomes; `below` is its path below the stage."""
    matched = Router(api).match(given.method, below or given.path)
    assert matched is not None
    return Call(api, *matched, given, "eu-west-1", "123456789012")


def deployment(*apis: HttpApi, **given: object) -> Deployment:
    """A deployment of APIs."""
    bare = Deployment("shop", "dev", "eu-west-1", "123456789012", Path(), (), {}, http_apis=apis)
    return structs.replace(bare, **given)


async def ask(functions: Functions, api: HttpApi, given: HttpRequest) -> HttpAnswer:
    """What an API answers to a request."""
    apis = HttpApis(deployment(api), functions)
    found = apis.find(given.method, given.path)
    assert found is not None
    return await apis.answer(found, given)
