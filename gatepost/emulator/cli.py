"""The command line: `gatepost dev`, `new`, `replay`, `token`, `cost`, `smoke`.

Parses, prints, and sets the exit code: 0 after Ctrl-C, 2 for a mistake of the developer (one
sentence, no traceback). What the commands do is in their own modules, which are imported late so
that `--help` is quick.
"""

import argparse
import io
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from gatepost import __version__
from gatepost.cost import command as cost_command
from gatepost.emulator.errors import UserError
from gatepost.emulator.options import DEFAULTS, LEVELS, ORDERINGS, DevOptions
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.project import command as new_command
from gatepost.smoke import command as smoke_command

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

USAGE_ERROR = 2
STANDING_ALONE = {
    "cost": cost_command.run,
    "new": new_command.run,
    "smoke": smoke_command.run,
}
"""Commands that need nothing of the emulator."""

EXAMPLES = """\
examples:
  gatepost dev                              the serverless.yml of this folder, stage dev
  gatepost dev --template ../shop/serverless.yml --stage test
  gatepost dev --template cdk.out/Chat.template.json --values local-values.yml
  gatepost dev --dynamodb http://localhost:8000
  gatepost dev --in-process                 stop at breakpoint() in a handler
  gatepost dev --fault disconnect=lost      see what a missing $disconnect does
"""


class Parser(argparse.ArgumentParser):
    """Tells a mistake in one sentence, without argparse's list of every option."""

    def error(self, message: str) -> NoReturn:
        """End with 2."""
        said = f"{self.prog}: {message}. `{self.prog} --help` shows what is possible.\n"
        self.exit(USAGE_ERROR, said)


def parser() -> argparse.ArgumentParser:
    """Describe the command line; docs/reference/cli.md is checked against it."""
    top = Parser(
        prog="gatepost",
        description="Runs serverless WebSocket back ends offline, as API Gateway would.",
    )
    top.add_argument("--version", action="version", version=f"gatepost {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    dev = commands.add_parser(
        "dev",
        help="run a project's WebSocket API, its functions and its tables on this machine",
        description="Runs a project's WebSocket API, its functions and its tables on this machine.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_dev_options(dev)
    replay = commands.add_parser(
        "replay",
        help="run the gateway's core over a trace and show the first difference",
        description="Runs the gateway's core over a trace that `gatepost dev --trace` wrote; ends "
        "with 0 when it does the same now, with 1 at the first difference.",
    )
    replay.add_argument("file", help="the trace", type=Path, metavar="FILE")
    token = commands.add_parser(
        "token",
        help="make a token to connect with, signed with JWT_SECRET of an environment file",
        description="Prints a JSON Web Token for local use: ws://localhost:3001/dev?token=...",
        epilog="example:\n  gatepost token --sub alice --permissions 'chat:*=subscribe,publish'\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_token_options(token)
    _add_standing_alone(commands)
    return top


def _add_standing_alone(commands: "argparse._SubParsersAction[Parser]") -> None:
    cost_command.add_options(commands.add_parser(
        "cost",
        help="what a month costs on AWS, item by item, and which choice dominates",
        description="Prints a month's bill for a use of the system that you describe.",
    ))  # fmt: skip
    smoke_command.add_options(commands.add_parser(
        "smoke",
        help="try a running system from outside, as a client does",
        description="Connects, subscribes, publishes, receives, recovers and disconnects; ends "
        "with 0 when all of it works, with 1 at the first step that fails.",
    ))  # fmt: skip
    new_command.add_options(
        commands.add_parser(
            "new",
            help="make a project of your own from this template",
            description="Makes a project of your own from this template. What no flag says it asks "
            "on a terminal; elsewhere it takes the default.",
            epilog=new_command.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )


def _add_token_options(token: argparse.ArgumentParser) -> None:
    token.add_argument("--sub", help="the user", required=True, metavar="USER")
    token.add_argument(
        "--permissions", help="what is allowed in which channels; may be repeated",
        action="append", default=[], metavar="PATTERN=OPERATION,...",
    )  # fmt: skip
    token.add_argument("--info", help="what others see of the user, as JSON", default="",
                       metavar="JSON")  # fmt: skip
    token.add_argument("--api", help="what is allowed in the HTTP API", default="",
                       metavar="PERMISSION,...")  # fmt: skip
    token.add_argument("--ttl", help="how long it counts: 30s, 5m, 1h, 7d (default: %(default)s)",
                       default="1h", metavar="DURATION")  # fmt: skip
    token.add_argument("--env-file", help="file that sets JWT_SECRET (default: %(default)s)",
                       type=Path, default=Path("local.env"), metavar="PATH")  # fmt: skip


def _add_dev_options(dev: argparse.ArgumentParser) -> None:
    def option(flag: str, text: str, **settings: object) -> None:
        dev.add_argument(flag, help=text, **settings)  # type: ignore[arg-type] # argparse's own

    option("--template", "the deployment template (default: serverless.yml, else template.yaml, "
           "of this folder)", type=Path, metavar="PATH")  # fmt: skip
    option("--stage", "the stage to run (default: the template's, else dev)", metavar="NAME")
    option("--port", "port of sockets and @connections; 0 lets the system choose "
           "(default: %(default)s)", type=_port, default=DEFAULTS.port, metavar="N")  # fmt: skip
    option("--http-port", "port of the pages; 0 lets the system choose (default: %(default)s)",
           type=_port, default=DEFAULTS.http_port, metavar="N")  # fmt: skip
    option("--host", "address to listen on; anything but the default lets others in "
           "(default: %(default)s)", default=DEFAULTS.host, metavar="ADDRESS")  # fmt: skip
    option("--dynamodb", "a DynamoDB endpoint to use in place of the built-in one", metavar="URL")
    option("--in-process", "run the functions in this process, one thread each, for a debugger",
           action="store_true")  # fmt: skip
    option("--workers", "most worker processes of one function (default: %(default)s)",
           type=_workers, default=DEFAULTS.workers, metavar="N")  # fmt: skip
    option("--python", "interpreter of the functions (default: the project's .venv or venv, else "
           "the one that runs gatepost)", type=Path, metavar="PATH")  # fmt: skip
    option("--node", "Node that runs JavaScript functions (default: the one on the PATH)",
           type=Path, metavar="PATH")  # fmt: skip
    option("--env-file", "file of NAME=value lines added to every function's environment",
           type=Path, metavar="PATH")  # fmt: skip
    option("--domain", "serve the (first) WebSocket API under this custom domain as well",
           metavar="HOST[/KEY]")  # fmt: skip
    option("--verify-signatures", "refuse calls of @connections, and AWS_IAM at $connect, that "
           "are not signed with a known key", action="store_true")  # fmt: skip
    option("--ordering", "order in which a connection's messages are worked on, and posts reach it:"
           " %(choices)s (default: %(default)s)",
           choices=ORDERINGS, default=DEFAULTS.settings.ordering)  # fmt: skip
    option("--values", "file of what the template asks of an account: parameters, ssm, cf ...",
           type=Path, metavar="FILE")  # fmt: skip
    option("--log-level", "how much the live log tells: %(choices)s (default: %(default)s)",
           choices=LEVELS, default=DEFAULTS.log_level)  # fmt: skip
    option("--fault", "misbehave from the start, as in throttle_rate=0.1; may be repeated",
           action="append", default=[], metavar="NAME=VALUE")  # fmt: skip
    option("--setting", "set a limit of the gateway, or something that is a guess about AWS, as in "
           "idle_timeout_s=60; may be repeated",
           action="append", default=[], metavar="NAME=VALUE")  # fmt: skip
    option("--trace", "write what the gateway sees and does to this file, for `gatepost replay`",
           type=Path, metavar="FILE")  # fmt: skip


def _port(text: str) -> int:
    return _number(text, 0, 65535)


def _workers(text: str) -> int:
    return _number(text, 1, 100)


def _number(text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code. A bug of ours keeps its traceback."""
    given = parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # what functions print may be beyond its encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if given.command == "replay":
            from gatepost.emulator.replay import replay  # noqa: PLC0415 - the same

            return replay(given.file, sys.stdout)
        if given.command in STANDING_ALONE:
            return STANDING_ALONE[given.command](given, sys.stdout, sys.stderr)
        if given.command == "token":
            sys.stdout.write(f"{_token(given)}\n")
            return 0
        import asyncio  # noqa: PLC0415 - `--help` needs none of it; Ctrl-C here is caught below

        from gatepost.emulator.dev import run  # noqa: PLC0415 - as above

        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(run(_dev_options(given), sys.stdout))
    except UserError as error:
        sys.stderr.write(f"gatepost: {error}\n")
        return USAGE_ERROR
    except KeyboardInterrupt:  # Ctrl-C before the handlers stood, or a second one
        return 130
    finally:
        _let_go_of_output()
    return 0


def _token(given: argparse.Namespace) -> str:
    from gatepost.emulator.environment import read_env_file  # noqa: PLC0415 - as above
    from gatepost.emulator.tokens import TokenOptions, make_token  # noqa: PLC0415

    options = TokenOptions(
        sub=given.sub,
        permissions=given.permissions,
        info=given.info,
        api=given.api,
        ttl=given.ttl,
    )
    return make_token(options, read_env_file(given.env_file), now=int(time.time()))


def _loop_factory() -> "Callable[[], asyncio.AbstractEventLoop] | None":
    """Take uvloop where it is installed (docs/decisions.md, 14)."""
    try:
        import uvloop  # noqa: PLC0415 - it is not everywhere
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _let_go_of_output() -> None:
    """Keep Python from complaining at its end that nobody reads the output any more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dev_options(given: argparse.Namespace) -> DevOptions:
    from gatepost.emulator.fault_flags import parse_faults  # noqa: PLC0415 - as above
    from gatepost.emulator.named_values import parse_named_values  # noqa: PLC0415

    values = dict(vars(given))
    del values["command"]
    faults = parse_faults(values.pop("fault"))
    base = GatewaySettings(
        ordering=values.pop("ordering"), verify_signatures=values.pop("verify_signatures")
    )
    settings = parse_named_values("setting", values.pop("setting"), base)
    values["template"] = given.template or _template_here()
    return DevOptions(**values, faults=faults, settings=settings)


def _template_here() -> Path:
    from gatepost.gateway.template.errors import TemplateError  # noqa: PLC0415 - as above
    from gatepost.gateway.template.reader import find_template  # noqa: PLC0415

    try:
        return find_template(Path())
    except TemplateError as error:
        raise UserError(str(error)) from error
