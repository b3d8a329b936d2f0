"""Tokens signed with published keys: RS256 and ES256 through a JWKS URL, and keys that change."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect

from tests.e2e.conversation import ask, refusal
from tests.signing import SECRET, PrivateKey, key_set, private_key, published, token

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import RunningEmulator


class Issuer:
    """Publishes keys on this machine; `document` is what it answers, empty for 503."""

    def __init__(self) -> None:
        self.document = b""
        self.asked = 0
        issuer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(200 if issuer.document else 503)
                self.end_headers()
                self.wfile.write(issuer.document)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys.json"

    def publish(self, **keys: PrivateKey) -> None:
        """Replace the keys, by their ids."""
        self.document = key_set(*(published(key, key_id) for key_id, key in keys.items()))

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Start an issuer."""
    running = Issuer()
    yield running
    running.close()


@pytest.fixture
def emulator(
    issuer: Issuer, tmp_path: Path, gatepost_dev: "Callable[..., RunningEmulator]"
) -> "RunningEmulator":
    """Start the template, for the tokens of that issuer."""
    env_file = tmp_path / "issuer.env"
    env_file.write_text(f"JWT_JWKS_URL={issuer.url}\n", encoding="utf-8")
    return gatepost_dev("--env-file", str(env_file), "--workers", "1")


async def test_a_token_counts_while_its_key_is_published(
    issuer: Issuer, emulator: "RunningEmulator"
) -> None:
    """A new key is known with its first token; keys are fetched for nothing else."""
    rsa, curve = private_key("RS256"), private_key("ES256")
    began = time.monotonic()

    async def user_of(given: str) -> object:
        async with connect(f"{emulator.url}?token={given}") as client:
            return (await ask(client, action="echo", data=1))["result"]["user"]

    by_rsa = token(rsa, "RS256", key_id="first", sub="rsa")
    assert await refusal(f"{emulator.url}?token={by_rsa}") == 500  # nobody can say
    issuer.publish(first=rsa)
    for _ in range(3):
        assert await user_of(by_rsa) == "rsa"
    assert issuer.asked == 2
    by_curve = token(curve, "ES256", key_id="second", sub="curve")
    issuer.publish(second=curve)
    assert await user_of(by_curve) == "curve"
    assert await refusal(f"{emulator.url}?token={by_rsa}") == 401
    for foreign in (
        token(private_key("ES256", 1), "ES256", key_id="second"),
        token(rsa, "RS256", key_id="second"),
        token(key_id="second"),
        token(SECRET, key_id="made-up"),
    ):
        assert await refusal(f"{emulator.url}?token={foreign}") == 401
    assert 3 <= issuer.asked <= 3 + (time.monotonic() - began) / 30  # three at once


async def test_refresh_verifies_by_the_same_keys(
    issuer: Issuer, emulator: "RunningEmulator"
) -> None:
    """It fetches them for itself; without them the answer is 100, and the connection stays."""
    curve = private_key("ES256")
    issuer.publish(only=curve)
    given = token(curve, "ES256", key_id="only")
    async with connect(f"{emulator.url}?token={given}") as client:
        issuer.document = b""
        reply = await ask(client, action="refresh", token=given)
        assert reply["error"]["code"] == 100
        issuer.publish(only=curve)
        assert (await ask(client, action="refresh", token=given))["ok"] is True
