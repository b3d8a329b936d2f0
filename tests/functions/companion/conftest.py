"""The HTTP API over the in-memory ports, asked as the gateway asks it."""

import hashlib
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from starlette.applications import Starlette

from functions.companion.application import application
from functions.companion.authentication import Callers, read_keys
from functions.core.context import Services
from functions.runtime import asgi

KEY = "the-key-of-a-server"
READER = "a-key-that-only-reads"


def sha256(key: str) -> str:
    """Give the digest as the setting has it."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """The body, read."""
        return json.loads(self.text)


class Ask(Protocol):
    """What the fixture `ask` gives."""

    def __call__(
        self, method: str, path: str, body: object = None, *, query: str = "", key: str | None = KEY
    ) -> Awaitable[Answer]:
        """Send a request with a key, the body as JSON or, given bytes, as it is."""
        ...


def asking(app: Starlette) -> Ask:
    """Give what asks an application through Mangum, by events of an HTTP API."""

    async def send(
        method: str, path: str, body: object = None, *, query: str = "", key: str | None = KEY
    ) -> Answer:
        text = body.decode() if isinstance(body, bytes) else json.dumps(body)
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"host": "api.test"} | ({"authorization": f"Bearer {key}"} if key else {}),
            "requestContext": {
                "stage": "$default",
                "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            },
            "isBase64Encoded": False,
        } | ({} if body is None else {"body": text})
        result = await asgi.respond(app, event)
        assert result["isBase64Encoded"] is False
        return Answer(result["statusCode"], result["headers"], result["body"])

    return send


@pytest.fixture
def app(services: Services) -> Starlette:
    """Give the application with two keys."""

    async def give() -> Services:
        return services

    keys = read_keys(f"{sha256(KEY)} {sha256(READER)}:history,presence")
    return application(give, Callers(keys))


@pytest.fixture
def ask(app: Starlette) -> Ask:
    """Ask the application."""
    return asking(app)
