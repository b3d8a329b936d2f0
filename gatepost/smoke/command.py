"""`gatepost smoke`: its options, checked, and the exit code. What is tried is in steps."""

import argparse
import os
import re
import secrets
import ssl
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from gatepost.smoke.talking import Target

USAGE_ERROR: Final = 2
TOKEN_VARIABLE: Final = "SMOKE_TOKEN"  # noqa: S105 - its name
CHANNEL: Final = re.compile(r"[A-Za-z0-9_.-]+:[A-Za-z0-9_.:-]+", re.ASCII)
EXAMPLES: Final = """\
examples:
  gatepost smoke ws://localhost:3001/dev
  SMOKE_TOKEN=... gatepost smoke wss://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod
"""


class SmokeUsageError(Exception):
    """Something that was given is at fault; the text names it."""


def add_options(smoke: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    smoke.epilog, smoke.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    smoke.add_argument("url", help="the socket, with its stage: wss://.../dev", metavar="URL")
    smoke.add_argument(
        "--token", help=f"token to connect with (default: ${TOKEN_VARIABLE}, which the list of "
        "processes doesn't show)", metavar="TOKEN",
    )  # fmt: skip
    smoke.add_argument("--channel", help="channel to use; its namespace should keep history and "
                       "presence (default: chat:smoke- and a random end)",
                       metavar="NAME")  # fmt: skip
    smoke.add_argument("--ca-bundle", help="certificates to trust in place of the usual ones",
                       type=Path, metavar="FILE")  # fmt: skip
    smoke.add_argument("--timeout", help="most seconds for one step (default: %(default)s)",
                       type=_seconds, default=10.0, metavar="S")  # fmt: skip


def run(given: argparse.Namespace, out: IO[str], errors: IO[str]) -> int:
    """Try the system; 0 when every step went well, 1 when one failed, 2 for a mistake.

    The token is shown nowhere, whoever repeats it.
    """
    import asyncio  # noqa: PLC0415 - `--help` needs none of it

    from gatepost.smoke.steps import try_all  # noqa: PLC0415 - as above

    mark = secrets.token_hex(6)
    try:
        target = _target(given, mark)
    except SmokeUsageError as error:
        errors.write(f"gatepost: {error}\n")
        return USAGE_ERROR

    def say(line: str) -> None:
        out.write(f"{line.replace(target.token, '***') if target.token else line}\n")
        out.flush()

    say(f"{target.shown}{' with a token' if target.token else ''}")
    went_well = asyncio.run(try_all(target, mark, say))
    say("It works." if went_well else "It does not work: see the step that failed.")
    return 0 if went_well else 1


def _target(given: argparse.Namespace, mark: str) -> "Target":
    from gatepost.smoke.talking import Target  # noqa: PLC0415 - as above

    try:
        address = urlsplit(given.url)
    except ValueError:
        raise SmokeUsageError("URL: it is no address: see the brackets of its host") from None
    if address.scheme not in ("ws", "wss") or not address.hostname:
        raise SmokeUsageError(
            "URL: it must begin with wss:// or ws:// and a host, as in wss://ws.example.com/dev"
        )
    try:
        _ = address.port
    except ValueError:
        raise SmokeUsageError("URL: its port is no number from 0 to 65535") from None
    channel = given.channel or f"chat:smoke-{mark}"
    if not CHANNEL.fullmatch(channel):
        raise SmokeUsageError(f"--channel: {channel!r} is not `namespace:name`")
    return Target(
        url=given.url,
        channel=channel,
        token=given.token or os.environ.get(TOKEN_VARIABLE) or None,
        trust=_trust(given.ca_bundle, address.scheme),
        timeout_s=given.timeout,
    )


def _trust(bundle: Path | None, scheme: str) -> ssl.SSLContext | None:
    if scheme == "ws" and bundle is None:
        return None
    if scheme == "ws":
        raise SmokeUsageError("--ca-bundle: a ws:// address shows no certificate; take wss://")
    try:
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:  # ssl.SSLError is one
        raise SmokeUsageError(f"--ca-bundle: {bundle} has no certificates: {error}") from None


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0 < float(text) <= 300:  # noqa: PLR2004 - five minutes
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to 300")
    return float(text)
