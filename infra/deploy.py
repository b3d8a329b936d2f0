"""`python -m infra.deploy` and `... --destroy`: put a stage into an AWS account, or take it out.

Checks what osls would only find out half way, all of it at once, and then leaves the work to osls:
with the credentials and in the region that were checked.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from infra.deploying import needs
from infra.deploying.account import Account, AccountError, BotocoreAccount, Identity

MISSING: Final = 2
"""Exit code: something is missing or was asked for wrongly, and nothing was tried."""

REMOVAL_PAGE: Final = "docs/how-to/remove-everything.md"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run has around it; tests give their own. `ask` is None where nobody can answer."""

    folder: Path
    environ: Mapping[str, str]
    account: Callable[[str], Account]
    ask: Callable[[str], str] | None
    out: IO[str]
    errors: IO[str]


def main(arguments: Sequence[str] | None = None, around: Surroundings | None = None) -> int:
    """Deploy or destroy; the exit code: 2 for what is missing, else osls's own."""
    options = _parser().parse_args(arguments)
    around = around or _surroundings()
    project = needs.read_project(around.folder)
    if project is None:
        return _missing(around, [f"project: {around.folder} has no serverless.yml of a service"])
    region = options.region or project.region
    missing = [
        *needs.missing_names(options.stage, region),
        *needs.missing_tools(project, options.osls, options.node),
    ]
    if not options.destroy:
        missing += needs.missing_archives(project)
        missing += needs.missing_secrets(project.folder, around.environ)
    identity = None
    if region is not None:
        try:
            identity = _identity(around.account(region), options.account)
        except AccountError as error:
            missing.append(str(error))
    if missing or identity is None or region is None:
        return _missing(around, missing)
    stack = f"{project.service}-{options.stage}"
    around.out.write(f"{stack} in account {identity.account}, region {region}, as {identity.arn}\n")
    around.out.flush()
    if options.destroy:
        refusal = _refusal(around, around.account(region), stack, options)
        if refusal:
            return _missing(around, [refusal])
    elif not (around.environ.get("JWT_SECRET") or around.environ.get("JWT_JWKS_URL")):
        around.out.write("NOTE: neither JWT_SECRET nor JWT_JWKS_URL is set: nobody is let in\n")
        around.out.flush()
    return _run_osls(around, options, identity, region)


def _identity(account: Account, wanted: str | None) -> Identity:
    identity = account.identity()
    if wanted and identity.account != wanted:
        raise AccountError(
            f"account: these credentials are of {identity.account}, and {wanted} is wanted"
        )
    return identity


def _refusal(
    around: Surroundings, account: Account, name: str, options: argparse.Namespace
) -> str | None:
    """Say why a stage is not removed: it isn't there, it is protected, or nobody confirmed."""
    try:
        stack = account.stack(name)
    except AccountError as error:
        return str(error)
    if stack is None:
        return f"stack {name}: there is none in this account and region"
    if stack.is_table_protected and not stack.is_table_kept:
        return (
            f"table {stack.table}: it is protected against deletion, so the stack would be left "
            f"half removed. How to take the protection off: {REMOVAL_PAGE}"
        )
    if stack.table is not None:
        fate = "stays, with its rows" if stack.is_table_kept else "is removed, with all its rows"
        around.out.write(f"Its table {stack.table} {fate}: {REMOVAL_PAGE}\n")
    around.out.flush()
    confirmed: str | None = options.confirm
    if confirmed is None and around.ask is not None:
        confirmed = around.ask(f"To remove it, type the name of the stage ({options.stage}): ")
    if confirmed is None:
        return f"confirmation: nobody can be asked here: add CONFIRM={options.stage}"
    if confirmed.strip() != options.stage:
        return f"confirmation: {confirmed.strip()!r} is not the stage {options.stage!r}"
    return None


def _run_osls(
    around: Surroundings, options: argparse.Namespace, identity: Identity, region: str
) -> int:
    """Run osls with the credentials that were checked, and no profile that could be another's."""
    command = "remove" if options.destroy else "deploy"
    environ = {
        name: value
        for name, value in around.environ.items()
        if name not in {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"}
    }
    try:
        finished = subprocess.run(  # noqa: S603 - osls of this project
            [
                *(options.node, str(options.osls / "bin" / "serverless.js"), command),
                *("--stage", options.stage, "--region", region),
            ],
            cwd=around.folder,
            env={**environ, **identity.environment},
            check=False,
        )
    except KeyboardInterrupt:
        return 130
    if finished.returncode == 0 and not options.destroy:
        around.out.write("Try it: make smoke URL=wss://... with the endpoint above\n")
    return finished.returncode


def _missing(around: Surroundings, missing: Sequence[str]) -> int:
    around.errors.writelines(f"deploy: {each}\n" for each in missing)
    return MISSING


def _surroundings() -> Surroundings:
    return Surroundings(
        folder=Path.cwd(),
        environ=os.environ,
        account=BotocoreAccount,
        ask=input if sys.stdin.isatty() else None,
        out=sys.stdout,
        errors=sys.stderr,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.deploy", description="Deploy a stage with osls, or remove it."
    )
    parser.add_argument("--stage", required=True, help="the stage, such as dev")
    parser.add_argument("--region", help="AWS region (default: that of serverless.yml)")
    parser.add_argument("--account", help="refuse to work in another account than this")
    parser.add_argument("--destroy", action="store_true", help="remove the stage")
    parser.add_argument("--confirm", metavar="STAGE", help="remove it without asking")
    parser.add_argument("--osls", type=Path, default=needs.OSLS, help="folder of osls")
    parser.add_argument("--node", default="node", help="the Node to run it with")
    return parser


if __name__ == "__main__":
    sys.exit(main())
