"""`python -m benchmarks.autobahn WSTEST [CASE ...]`: run the suite twice, keep the tables.

WSTEST is the program of that name from `autobahntestsuite`, which needs Python 2.7; see
docs/how-to/autobahn.md. The reports of each case stay in a temporary folder that is named. Only a
run of all cases is kept. Exits with 1 when other cases deviate than deviations.py lists.
"""

import asyncio
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.autobahn.deviations import DEVIATIONS, behaviour_of, deviating, unlisted
from benchmarks.autobahn.servers import gateway, socket_layer
from benchmarks.results import keep

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

EVERY_CASE = ["*"]
METHOD = (
    "wstest of autobahntestsuite as the fuzzing client, over loopback. `socket layer`: an echo in "
    "the core, binary allowed, limits off. `gateway`: as it is, with AWS's limits."
)


async def fuzz(wstest: str, name: str, url: str, cases: list[str]) -> dict[str, str]:
    """Run the cases against the server at `url`; return their behaviours."""
    folder = Path(tempfile.mkdtemp(prefix="autobahn-"))
    spec = {
        "outdir": str(folder),
        "servers": [{"agent": name, "url": url}],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    wanted = (wstest, "-m", "fuzzingclient", "-s", str(folder / "spec.json"))
    process = await asyncio.create_subprocess_exec(
        *wanted, cwd=folder, stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait() != 0:
        sys.exit(f"{wstest} failed")
    print(f"{name}: the reports are in {folder}")
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return {case: behaviour_of(result) for case, result in index[name].items()}


async def main(wstest: str, cases: list[str]) -> None:
    """Run both servers one after the other."""
    servers: dict[str, AbstractAsyncContextManager[str]] = {
        "socket layer": socket_layer(),
        "gateway": gateway(),
    }
    seen: dict[str, dict[str, str]] = {}
    for name, serving in servers.items():
        async with serving as url:
            seen[name] = await fuzz(wstest, name, url, cases)
    if cases == EVERY_CASE:
        keep_run(seen)
    wrong = [
        f"{name}: {line}"
        for name, behaviours in seen.items()
        for line in unlisted(behaviours, DEVIATIONS[name])
    ]
    if wrong:
        sys.exit("\n".join(wrong))


def keep_run(seen: dict[str, dict[str, str]]) -> None:
    """Keep how many cases ended how, and which of them deviate."""
    rows = {
        name: dict(Counter(behaviour.split()[0] for behaviour in behaviours.values()))
        for name, behaviours in seen.items()
    }
    keep(
        "autobahn",
        METHOD,
        rows,
        deviating={name: deviating(behaviours) for name, behaviours in seen.items()},
    )


if __name__ == "__main__":
    if len(sys.argv) < 2:  # noqa: PLR2004 - the program and its argument
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2:] or EVERY_CASE))
