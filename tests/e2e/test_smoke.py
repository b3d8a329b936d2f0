"""`gatepost smoke` and `make smoke` against a running emulator: with and without tokens and TLS."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import GATEPOST, ROOT, RunningEmulator
from tests.e2e.guarded import EVERYTHING, Guarded, good

MAKE_SMOKE = ("make", "-o", ".venv/.run", "smoke")
"""The packages are those that run this test: nothing is to be installed by it."""

STEPS = ["connect", "ping", "subscribe", "publish", "receive", "recover", "disconnect"]


async def run(*command: str | Path, **environment: str) -> tuple[int | None, str]:
    """Run a command to its end; its exit code, and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, output.decode()


def steps(output: str) -> list[str]:
    """The steps that went well."""
    return [line.split()[0] for line in output.splitlines() if " ms  " in line]


async def test_every_step_goes_well_in_the_template(shared_emulator: RunningEmulator) -> None:
    """Through `make`, as the page on deploying says."""
    code, output = await run(*MAKE_SMOKE, f"URL={shared_emulator.url}")
    assert (code, steps(output)) == (0, STEPS), output


async def test_every_step_goes_well_over_tls_with_the_authority_that_is_given(
    shared_emulator: RunningEmulator,
) -> None:
    """Without it the certificate is not trusted, and the option is named."""
    url = shared_emulator.url.replace("ws://", "wss://")
    bundle = shared_emulator.workers()[0].environ()["AWS_CA_BUNDLE"]
    code, output = await run(GATEPOST, "smoke", url, "--ca-bundle", bundle)
    assert (code, steps(output)) == (0, STEPS), output
    code, output = await run(GATEPOST, "smoke", url)
    assert (code, steps(output)) == (1, [])
    assert "--ca-bundle" in output


@pytest.mark.parametrize("way", ["make", "gatepost"])
async def test_a_token_lets_in_and_is_shown_nowhere(guarded: Guarded, way: str) -> None:
    """Not in what is printed, and not in what the emulator logs."""
    given = good(permissions=EVERYTHING)
    command = [*MAKE_SMOKE, f"URL={guarded.url}"]
    if way == "gatepost":
        command = [str(GATEPOST), "smoke", guarded.url]
    code, output = await run(*command, SMOKE_TOKEN=given)
    assert (code, steps(output)) == (0, ["connect", "refuse", *STEPS[1:]]), output
    assert "without a token: 401" in output
    assert not [part for part in given.split(".") if part in output]
    assert await guarded.tells_nothing_of(given)


async def test_without_a_token_the_first_step_fails_where_one_is_needed(guarded: Guarded) -> None:
    """With what to do."""
    code, output = await run(GATEPOST, "smoke", guarded.url)
    assert (code, steps(output)) == (1, [])
    assert "connect     FAILED: expected 101, got 401: the authorizer refuses" in output


async def test_a_token_that_may_not_publish_fails_that_step(guarded: Guarded) -> None:
    """Everything before it goes well."""
    given = good(permissions=[{"channel": "*", "allow": ["subscribe"]}])
    code, output = await run(GATEPOST, "smoke", guarded.url, SMOKE_TOKEN=given)
    assert (code, steps(output)) == (1, ["connect", "refuse", "ping", "subscribe"])
    assert "publish     FAILED: expected `publish` to succeed, got error 103" in output


def test_make_smoke_says_what_it_needs() -> None:
    """An address."""
    run = subprocess.run(
        MAKE_SMOKE,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert "URL=wss://" in run.stderr
