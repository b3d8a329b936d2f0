"""What `gatepost dev` can be told, with its defaults."""

from pathlib import Path
from typing import Final, get_args

from msgspec import Struct

from gatepost.gateway.core.faults import NO_FAULTS, Faults
from gatepost.gateway.core.settings import GatewaySettings, Ordering

LEVELS: Final = ("debug", "info", "warning")
"""debug: everything, plain HTTP requests and REPORT lines too; info: the default; warning: failures
and output."""

ORDERINGS: Final = get_args(Ordering)
"""In what order messages are worked on: see docs/reference/cli.md."""


class DevOptions(Struct, frozen=True, kw_only=True):
    """The options of `gatepost dev`, named as on the command line (docs/reference/cli.md).

    `settings` are what `--setting`, `--ordering` and `--verify-signatures` make of the defaults.
    """

    template: Path = Path("serverless.yml")
    stage: str | None = None
    port: int = 3001
    http_port: int = 3000
    host: str = "localhost"
    dynamodb: str | None = None
    in_process: bool = False
    workers: int = 8
    python: Path | None = None
    node: Path | None = None
    env_file: Path | None = None
    domain: str | None = None
    values: Path | None = None
    log_level: str = "info"
    faults: Faults = NO_FAULTS
    settings: GatewaySettings = GatewaySettings()
    trace: Path | None = None


DEFAULTS = DevOptions()
