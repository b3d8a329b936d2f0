"""The template in an emulator that lets in whom a token names, and tokens for it."""

import asyncio
import uuid
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.e2e.conftest import RunningEmulator
from tests.signing import claims, sign

SECRET = "the secret of the emulator of these tests"
SETTINGS = {
    "JWT_SECRET": SECRET,
    "JWT_AUDIENCE": "chat",
    "JWT_ISSUER": "tests",
    "ORIGINS": "https://chat.example",
}
EVERYTHING = [{"channel": "*", "allow": ["subscribe", "publish", "presence", "history"]}]


class Guarded:
    """An emulator that lets in whom a token names, and all that it wrote about it."""

    def __init__(self, folder: Path, dynamodb_url: str) -> None:
        env_file = folder / "guarded.env"
        env_file.write_text("".join(f"{name}='{value}'\n" for name, value in SETTINGS.items()))
        self.trace = folder / "trace.jsonl"
        self.emulator = RunningEmulator(
            *("--env-file", str(env_file), "--dynamodb", dynamodb_url),
            *("--trace", str(self.trace), "--log-level", "debug"),
        )

    @property
    def url(self) -> str:
        """Where the socket is."""
        return self.emulator.url

    def with_token(self, given: str) -> str:
        """Give the URL with a token."""
        return f"{self.url}?token={given}"

    async def tells_nothing_of(self, given: str) -> bool:
        """Say that no part of a token stands in the live log or in the trace.

        Both are written late: what comes after everything else is waited for.
        """
        mark = uuid.uuid4().hex
        with pytest.raises(InvalidStatus):
            async with connect(f"{self.url}/{mark}"):
                pass
        await asyncio.to_thread(self.emulator.wait_for, lambda: mark in self._trace())
        written = self.emulator.output + self._trace()
        return not [part for part in given.split(".") if len(part) > 20 and part in written]

    def _trace(self) -> str:
        return self.trace.read_text("utf-8")


def good(**changes: object) -> str:
    """Sign a token that lets in."""
    content: dict[str, object] = {
        "aud": "chat",
        "iss": "tests",
        "permissions": EVERYTHING,
        **changes,
    }
    return sign(claims(**content), SECRET)
